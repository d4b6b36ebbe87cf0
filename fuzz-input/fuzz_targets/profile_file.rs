//! Any bytes, read as the file would be, as a controller's profile: faults with their lines, and a sound rest that no state of its lights can upset.
#![no_main]

mod faults;

use std::sync::Arc;
use std::time::Duration;

use appliance::control::binding::{Map, Playing};
use appliance::files::decode;
use appliance::surface::lights::{LightState, Lights};
use appliance::settings::profile::Profile;
use hal::gesture::{Reply, SurfaceId};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = decode(bytes);
    let text = read.text.as_str();
    let (profile, faults) = Profile::parse_sound("fuzz", text);
    faults::are_told(&faults, text);
    let (surface, mut map, mut lights) = (SurfaceId(2), Map::default(), Lights::default());
    map.set_profile(surface, profile.entries());
    lights.came(surface, Arc::new(profile));
    let mut replies = Vec::new();
    for (turn, place) in [0.0, 0.5, 1.0, f64::NAN, -1.0].into_iter().enumerate() {
        let state = LightState { place, on: turn % 2 == 0, blink: turn == 2, dim: turn == 3 };
        lights.tell(Duration::from_secs(turn as u64), &map, Playing::default(), |_| state, &mut replies);
    }
    replies.extend(lights.farewell());
    for (_, reply) in replies {
        if let Reply::Midi(bytes) = reply {
            let data = if bytes[0] == 0xf0 { &bytes[1..bytes.len() - 1] } else { &bytes[1..] };
            assert!(bytes[0] >= 0x80 && data.iter().all(|byte| *byte < 0x80), "{bytes:02x?}");
        }
    }
});
