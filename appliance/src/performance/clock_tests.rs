//! MIDI clock against the sound's own samples: the player, its meters, a device of known delay, the clock's songs, the queues of
//! a wire of 31250 baud that lights fill to the brim. All in virtual time.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::playback::{DeckSize, Tape, deck};
use hal::audio::{Ask, Clock as _, FakeOut, Speaker};
use hal::gesture::{Reply, SurfaceId, Transport};

use super::threads::play_period;
use crate::control::tempo::TapeBeats;
use crate::surface::clock_sender::{Order, Songs};
use crate::surface::outbox::{Edge, Item, Outbox};

const MINUTES: u64 = 30;
const PERIOD: usize = 256;
/// One byte on a MIDI wire: ten bits at 31250 a second.
const BYTE: Duration = Duration::from_micros(320);
const LOOK: Duration = Duration::from_millis(1);
const TO: SurfaceId = SurfaceId(2);

/// A wire that takes its time, and always has a light to tell.
#[derive(Default)]
struct SlowWire {
    outbox: Outbox,
    free_at: Duration,
    lights: u32,
    /// When each word of the clock was through.
    heard: VecDeque<(Duration, Transport)>,
}

impl SlowWire {
    fn pass(&mut self, until: Duration) {
        while self.free_at <= until {
            // A thousand lights a second would fill the wire alone.
            self.lights = self.lights.wrapping_add(1);
            self.outbox.light(&Reply::Midi(vec![0xb0, (self.lights % 64) as u8, (self.lights / 64 % 128) as u8]));
            let item = self.outbox.pop().expect("a light at least");
            let Reply::Midi(bytes) = item.reply() else { panic!("bytes go on a wire") };
            self.free_at += BYTE * bytes.len() as u32;
            if let Item::Edge(Edge::Song(word)) = item {
                self.heard.push_back((self.free_at, word));
            }
        }
    }
}

#[test]
fn every_tick_of_the_clock_meets_its_sample_at_the_ear_within_a_period_for_half_an_hour() {
    // A tick is 1500 frames, six periods: no tick is taken for another, and a delay that is forgotten is half a tick.
    let (tape, tick) = (12 * SAMPLE_RATE_HZ as usize, 1500);
    for (held, minutes) in [(2 * PERIOD, MINUTES), (9600, 1)] {
        let (mut player, _packer, transport) =
            deck(Tape::new(vec![[0.0; 2]; tape]).expect("a tape"), DeckSize::default());
        let meters = transport.meters().clone();
        let mut out = FakeOut::default().delayed(held).forgetful();
        let clock = out.clock();
        let ask = Ask { rate_hz: SAMPLE_RATE_HZ, period_frames: PERIOD, periods: 3 };
        let mut speaker = Speaker::with_clock(&mut out, ask, Box::new(clock.clone()));
        let (mut songs, mut wire) = (Songs::new(SAMPLE_RATE_HZ), SlowWire::default());
        let beats = TapeBeats::new(80_000, tape as u64, SAMPLE_RATE_HZ);
        let orders = [Order::Beats(Some(beats)), Order::Lap(0..tape as u64), Order::To(vec![TO]), Order::Start];
        orders.into_iter().for_each(|order| songs.obey(order, &mut |_, _| panic!("nobody plays yet")));
        let (mut now, mut ticks, mut starts, mut furthest) = (Duration::ZERO, 0u64, 0, 0.0f64);
        while clock.now() < Duration::from_secs(60 * minutes) {
            // It fills now, and returns when its time has passed.
            play_period(&mut speaker, &mut player);
            while now < clock.now() {
                songs.tick(now, meters.playhead(), meters.delay.load(Relaxed), &mut |_, word| {
                    wire.outbox.edge(Edge::Song(word));
                });
                now += LOOK;
                wire.pass(now);
            }
            for (at, word) in wire.heard.drain(..) {
                starts += u32::from(word == Transport::Start);
                if word != Transport::Clock {
                    continue;
                }
                ticks += 1;
                // The sample that is at the ear: the device holds as many as it says.
                let sample = at.as_secs_f64() * f64::from(SAMPLE_RATE_HZ) - held as f64;
                let off = (sample + tick as f64 / 2.0).rem_euclid(tick as f64) - tick as f64 / 2.0;
                // The first second is for the needle to find out when reports come.
                if ticks > 48 {
                    furthest = furthest.max(off.abs());
                }
            }
        }
        // A tick each 1500 frames from the first sample at the ear to the last look: all, and none twice.
        let played = 60 * minutes * u64::from(SAMPLE_RATE_HZ) - held as u64;
        assert!(ticks.abs_diff(played / tick as u64 + 1) <= 1, "{ticks} ticks in {played} frames");
        assert_eq!((starts, wire.outbox.take_misplaced()), (1, false), "no edge is lost");
        assert!(furthest <= PERIOD as f64, "a tick is {furthest} frames from its sample");
        println!("held {held}: {ticks} ticks, the furthest {furthest:.0} frames from its sample");
    }
}
