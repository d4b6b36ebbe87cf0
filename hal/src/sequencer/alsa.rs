//! ALSA's sequencer: connections by midir, ports and plugs by the alsa crate, since midir tells neither cards nor plugs.

use std::ffi::CStr;
use std::path::Path;
use std::time::Duration;

use alsa::Direction;
use alsa::seq::{Addr, ClientIter, EventType, PortCap, PortIter, PortSubscribe, PortType, Seq};
use midir::os::unix::{VirtualInput, VirtualOutput};
use midir::{MidiInput, MidiInputConnection, MidiOutput, MidiOutputConnection};

use super::port::{Address, Hear, Mouth, News, Port, Sequencer};

/// Our name among the sequencer's clients.
const CLIENT: &CStr = c"DEMON box";
/// The name of the ports that other programs see.
const OWN_EAR: &str = "knobs";
const OWN_MOUTH: &str = "lights and clock";
/// The sequencer's device.
pub const SEQUENCER: &str = "/dev/snd/seq";

/// The machine's sequencer.
pub struct AlsaSeq {
    /// For asking only.
    seq: Seq,
}

/// A connection that is spoken into.
pub struct AlsaMouth(MidiOutputConnection);

/// The sequencer's announcements.
pub struct AlsaNews(Seq);

impl AlsaSeq {
    /// Opens it.
    ///
    /// # Errors
    /// In words, where the machine has none.
    pub fn new() -> Result<Self, String> {
        // Asked first: libasound prints its own complaint about a missing device, and the player should not see it.
        if !Path::new(SEQUENCER).exists() {
            return Err(format!("{SEQUENCER} is missing (kernel module snd-seq)"));
        }
        let seq = Seq::open(None, None, true).map_err(|error| format!("{SEQUENCER} does not open ({error})"))?;
        seq.set_client_name(CLIENT).map_err(|error| format!("{SEQUENCER} takes no name ({error})"))?;
        Ok(Self { seq })
    }
}

fn input() -> Option<MidiInput> {
    MidiInput::new(&CLIENT.to_string_lossy()).ok()
}

fn output() -> Option<MidiOutput> {
    MidiOutput::new(&CLIENT.to_string_lossy()).ok()
}

impl Sequencer for AlsaSeq {
    type In = MidiInputConnection<Hear>;
    type Out = AlsaMouth;
    type News = AlsaNews;

    fn ports(&self) -> Vec<Port> {
        let mut ports = Vec::new();
        for client in ClientIter::new(&self.seq) {
            let Ok(name) = client.get_name().map(str::to_owned) else { continue };
            if name.as_bytes() == CLIENT.to_bytes() {
                continue;
            }
            // Below zero for programs, and on kernels that do not tell.
            let card = client.get_card().ok().and_then(|card| u32::try_from(card).ok());
            let shown = PortIter::new(&self.seq, client.get_client()).filter(|port| {
                // As midir has it: everything else is the system's own, its timer and its announcements.
                port.get_type().intersects(PortType::MIDI_GENERIC | PortType::SYNTH | PortType::APPLICATION)
            });
            ports.extend(shown.map(|port| Port {
                address: Address { client: port.get_client(), port: port.get_port() },
                client: name.clone(),
                name: port.get_name().unwrap_or_default().to_owned(),
                card,
                speaks: port.get_capability().contains(PortCap::READ | PortCap::SUBS_READ),
                listens: port.get_capability().contains(PortCap::WRITE | PortCap::SUBS_WRITE),
            }));
        }
        ports
    }

    fn listen(&self, to: Address, hear: Hear) -> Option<Self::In> {
        let client = input()?;
        let port = client.find_port_by_id(&id(to))?;
        client.connect(&port, OWN_EAR, |_stamp, bytes, hear: &mut Hear| hear(bytes), hear).ok()
    }

    fn speak(&self, to: Address) -> Option<AlsaMouth> {
        let client = output()?;
        let port = client.find_port_by_id(&id(to))?;
        client.connect(&port, OWN_MOUTH).ok().map(AlsaMouth)
    }

    fn own_ear(&self, hear: Hear) -> Option<Self::In> {
        input()?.create_virtual(OWN_EAR, |_stamp, bytes, hear: &mut Hear| hear(bytes), hear).ok()
    }

    fn own_mouth(&self) -> Option<AlsaMouth> {
        output()?.create_virtual(OWN_MOUTH).ok().map(AlsaMouth)
    }

    fn news(&self) -> Option<AlsaNews> {
        announcements().ok().map(AlsaNews)
    }
}

/// An address as midir writes it.
fn id(address: Address) -> String {
    format!("{}:{}", address.client, address.port)
}

impl Mouth for AlsaMouth {
    fn send(&mut self, message: &[u8]) -> Result<(), String> {
        self.0.send(message).map_err(|error| error.to_string())
    }
}

/// A client that is told who comes and goes.
fn announcements() -> alsa::Result<Seq> {
    let seq = Seq::open(None, Some(Direction::Capture), true)?;
    seq.set_client_name(CLIENT)?;
    let port = seq.create_simple_port(
        c"plugs",
        PortCap::WRITE | PortCap::SUBS_WRITE | PortCap::NO_EXPORT,
        PortType::APPLICATION,
    )?;
    let subscription = PortSubscribe::empty()?;
    subscription.set_sender(Addr::system_announce());
    subscription.set_dest(Addr { client: seq.client_id()?, port });
    seq.subscribe_port(&subscription)?;
    Ok(seq)
}

impl News for AlsaNews {
    fn wait(&mut self, patience: Duration) -> Option<Vec<Address>> {
        let capture = (&self.0, Some(Direction::Capture));
        let patience_ms = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        match alsa::poll::poll_all(&[&capture], patience_ms) {
            Ok(ready) if !ready.is_empty() => read(&self.0),
            Ok(_) => None,
            Err(_) => {
                // Interrupted, or the sequencer is gone: either way not at once again.
                std::thread::sleep(patience);
                None
            }
        }
    }
}

/// Reads what was announced; the ports that went, if anything is a port that came or went.
fn read(seq: &Seq) -> Option<Vec<Address>> {
    let mut input = seq.input();
    let mut news = None;
    while input.event_input_pending(true).is_ok_and(|waiting| waiting > 0) {
        let Ok(event) = input.event_input() else {
            // Announcements were lost: whoever is not listed any more is let go.
            return Some(news.unwrap_or_default());
        };
        let went = news.get_or_insert_with(Vec::new);
        match event.get_type() {
            EventType::PortExit => went.extend(event.get_data::<Addr>().map(address)),
            EventType::ClientExit => {
                went.extend(event.get_data::<Addr>().map(|it| Address { port: -1, ..address(it) }));
            }
            _ => {}
        }
    }
    news
}

fn address(of: Addr) -> Address {
    Address { client: of.client, port: of.port }
}
