//! Goal: a window costs the heap nothing, whatever the decode lane's parameters do.
//! Method: the allocator itself refuses within `Patcher::patch`, on the published codec in small, with all of them moving.

use std::path::Path;
use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use engine::graph::cpu::Pool;
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME as FRAME};
use engine::live::{CodecWindows, Patched, Patcher, latents};
use engine::model::checkpoint::Checkpoint;
use engine::model::config::CodecConfig;
use engine::model::{Codec, Part};
use engine::param::{Class, ParamId, Values};
use engine::playback::{Course, DeckSize, Lead, LoopBand, Tape, TapeId, Walk, deck};

#[global_allocator]
static WATCHED: AllocDisabler = AllocDisabler;

const FRAMES: usize = 100;

fn codec() -> Codec {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let text = std::fs::read_to_string(golden.join("manifest.json")).expect("the manifest is there");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let model = &manifest["models"]["vae_hop1920"];
    let config = CodecConfig::parse(Path::new("manifest.json"), &model["config"].to_string()).expect("it is sound");
    let weights = golden.join(model["weights"].as_str().expect("weights are named"));
    let weights = Checkpoint::open(&weights).expect("they are sound");
    Codec::new(Arc::new(Part::new(config, weights)), Pool::new(2))
}

#[test]
fn a_window_touches_no_heap_with_every_decode_lane_parameter_moving() {
    let tape = Tape::new(vec![[0.1; 2]; FRAMES * FRAME]).expect("a tape");
    let (mut player, packer, mut transport) = deck(tape, DeckSize::default());
    let (mut writer, reader) = latents(FRAMES * LATENT_CHANNELS);
    let decoder = CodecWindows::prepare(&codec(), FRAMES).expect("it compiles");
    let walk = Walk::new(TapeId::default(), FRAMES, 1);
    let mut patcher = Patcher::new(Box::new(decoder), reader, packer, walk, Lead::new(256, 96_000));
    let moving: Vec<ParamId> = ParamId::all().filter(|id| id.row().class == Class::Decode).collect();
    assert!(5 <= moving.len(), "{moving:?}");
    let (mut values, mut sent, mut lengths) = (Values::default(), 0, Vec::with_capacity(64));
    let mut period = [[0.0; 2]; 1_024];
    for round in 0..48_usize {
        for (at, id) in moving.iter().enumerate() {
            let row = id.row();
            values.set(*id, row.at((round * (3 + at) * 7 % 23) as f64 / 22.0));
        }
        let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|it| values.get(it));
        let band = LoopBand::from_faders(start, end, FRAMES * FRAME);
        transport.set_band(band).expect("there is room for an order");
        (0..10).for_each(|_| player.fill(&mut period));
        writer.publish(&vec![round as f32 * 0.01; FRAMES * LATENT_CHANNELS]);
        let course = Course::new(transport.playhead(), band);
        let patched = assert_no_alloc(|| patcher.patch(&values, &course));
        if let Patched::Sent { frames, .. } = patched {
            sent += 1;
            lengths.push(frames);
        }
    }
    // Neither does a tape that comes to rest, and looking at one that rests.
    values.set(ParamId::TapeFeedback, 0.0);
    writer.publish(&vec![0.5; FRAMES * LATENT_CHANNELS]);
    let mut rests = 0;
    for _ in 0..30_000 {
        // As often as the decode thread looks: more rarely than a lead is long it would be overtaken each time.
        player.fill(&mut period[..96]);
        let course = Course::new(transport.playhead(), transport.band());
        rests += usize::from(assert_no_alloc(|| patcher.patch(&values, &course)) == Patched::Rests);
        if 100 < rests {
            break;
        }
    }
    assert!(100 < rests, "the tape stands");
    lengths.sort_unstable();
    lengths.dedup();
    assert!(40 <= sent && 5 < lengths.len(), "{sent} windows of {} lengths", lengths.len());
}
