# The two commands of the README are `make run` and `make test`. `make help` lists the others.

CARGO ?= cargo
ARGS ?=
SECONDS ?= 60
HOURS ?= 2

.PHONY: help run test build packages lint msrv bench bench-torch deny fuzz clean onnx-check house-model model-report demo-audio screens
.PHONY: live-check tempo-check soak survive doors faults mutants files-check vm-test tensorrt tensorrt-bindings plan-check kernels gpu-check gpu-pack
.PHONY: image image-lock image-twice image-lint image-test

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 15

run: packages ## build and play: ALSA, or a WAV file where there is no sound card (ARGS="--source song.ogg")
	$(CARGO) build --release --locked -p appliance --bin demon
	./target/release/demon run $(ARGS)

test: packages ## everything that holds the promises of SPECIFICATION.md, on the CPU
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --package demon-box --bench gpu --locked -- -D warnings
	$(CARGO) test --workspace --locked --exclude demon-box
	$(CARGO) test --locked -p demon-box
	@image/lint

build: packages ## the release binary, target/release/demon
	$(CARGO) build --release --locked -p appliance --bin demon

packages:
	@tools/packages

lint: ## formatting and lints only
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --package demon-box --bench gpu --locked -- -D warnings

msrv: packages ## checks everything with the oldest compiler that Cargo.toml names (rustup installs it)
	@rust=$$(sed -n 's/^rust-version = "\(.*\)"$$/\1/p' Cargo.toml) && rustup toolchain install "$$rust" --profile minimal && \
		$(CARGO) "+$$rust" check --workspace --all-targets --locked --target-dir target/msrv

bench: packages ## measures the figures of SPECIFICATION.md; a table, and target/bench.json
	@rm -f target/bench.json
	$(CARGO) bench --locked --workspace --benches

bench-torch: packages ## the same denoiser step and codec decode in PyTorch and onnxruntime, in one run
	tools/bench-torch/run

onnx-check: ## the model as ONNX files, run in onnxruntime and held against golden vectors and the CPU
	tools/onnx-check/run

house-model: ## the built-in model again from nothing: music, codec, network, files (many hours on two idle cores)
	tools/house-model/train

model-report: packages ## what the built-in model does on music it never saw: target/model-report/report.md and pictures
	tools/house-model/measure-all

demo-audio: packages ## the scripted set: docs/set.ogg, its knob moves, and the picture of what each of them did
	tools/demo-audio/run

screens: packages ## the pictures of the panel's screens again, docs/screens
	$(CARGO) run --quiet --locked -p appliance --example screens

tensorrt: ## TensorRT for RTX, NVRTC and our shims below target/tensorrt (190 MB to download; wants g++ and pip)
	@tools/tensorrt/install

tensorrt-bindings: ## engine/tensorrt/src/sys.rs again from the shim's C header (wants libclang)
	tools/tensorrt/bindings

plan-check: tensorrt ## plans and kernels, as far as a machine without a GPU goes (ARGS=--gpu: no excuses); target/plan-check.json
	$(CARGO) run --quiet --locked -p appliance --example plan_check -- $(ARGS)

kernels: tensorrt ## the card's kernels again as PTX, engine/src/backend/cuda/ptx
	$(CARGO) run --quiet --locked -p appliance --example plan_check -- --write-kernels

gpu-check: ## on a machine with a GPU: goldens, ticks, windows, trace, PyTorch beside; a table, and target/gpu-check/gpu.json
	tools/gpu-check/run $(ARGS)

gpu-pack: ## the harness for a machine with a GPU and without Rust, counted with the tree: target/gpu-check/pack (ARGS=--with-tensorrt)
	tools/gpu-check/pack $(ARGS)

vm-test: ## the surface on real kernel drivers in QEMU, played from outside; a table, and target/vm-test/report.json
	tools/vm-test/run $(ARGS)

units-check: packages ## the units under a real systemd in a container: order, watchdogs, crash loops, walls (wants root, mmdebstrap, systemd-nspawn)
	$(CARGO) build --locked -p appliance --bin demon
	tools/vm-test/units-here target/debug/demon

doors: packages ## terminals, pipes, signals and sound devices at the real program, a table (ARGS="--quick", "--only WORD", "--demon FILE")
	$(CARGO) build --locked -p appliance --bin demon
	@tools/doors/run $(ARGS)

survive: packages ## kills the engine 100 times and the player 20, and compares every sample that was heard; a table, target/survive/report.json (ARGS="--kills 20")
	@tools/survive/run $(ARGS)

live-check: packages ## 200 random loads while it plays, on a virtual clock and at the real program, every sample compared; tables, target/live-check/report.json (ARGS="--loads 40")
	@tools/live-check/run $(ARGS)

soak: build ## plays a swept set for HOURS=2 on the real programs: memory, lateness, rest, values; target/soak/report.json (ARGS="--seed 1")
	@PYTHONDONTWRITEBYTECODE=1 tools/soak/run --hours $(HOURS) $(ARGS)

faults: ## brings each known fault back and wants a red test for it (ARGS="--only NAME"); target/faults/report.json
	@tools/faults/run $(ARGS)

mutants: ## changes one thing in the code at a time and counts what no test notices; an hour, goes on where it stopped (ARGS="--minutes 60")
	@command -v cargo-mutants >/dev/null 2>&1 || $(CARGO) install --locked cargo-mutants
	@tools/mutants/run $(ARGS)

files-check: packages ## recordings and MIDI files against sox, ffmpeg and mido, where they are installed: lengths and events, a table
	tools/files-check/run $(ARGS)

tempo-check: packages ## the tempo that is heard in loops and real recordings against the one they have; a row each
	@tools/tempo-check/run $(ARGS)

fuzz: ## fuzz targets of model files and of what a player brings (SECONDS=60 each; wants cargo-fuzz)
	fuzz/run $(SECONDS)
	fuzz-input/run $(SECONDS)

deny: ## licences of the dependencies, and advisories against them (installs cargo-deny when it is missing)
	@command -v cargo-deny >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check licenses bans sources
	@if $(CARGO) deny fetch db; then $(CARGO) deny check advisories && echo '2 passed, 0 failed, 0 skipped'; \
	else echo 'skipped: the list of advisories could not be fetched; `make deny` where it can'; \
	echo '1 passed, 0 failed, 1 skipped'; fi

image: ## the box's image, target/image/out, from image/lock and a release build (ARGS="--demon FILE", "--keys FOLDER", "--test-keys")
	@image/make $(ARGS)

image-lock: ## image/lock again: what image/packages means in the archive today
	@image/renew-lock

image-twice: ## builds the image twice and compares root, hashes and kernel file bit for bit (ARGS="--demon FILE")
	@image/twice $(ARGS)

image-lint: ## what can be said of the image without building it: units, partitions, lock, scripts; under a minute
	@image/lint

image-test: ## boots the built image in QEMU with UEFI: start, updates, damage, sticks, Secure Boot; a table, target/image/test/report.json (ARGS="--only STAGE")
	@image/test $(ARGS)

clean: ## removes what was built
	$(CARGO) clean
