//! What the surface needs of a sequencer: its ports, connections to and from them, and word of who comes and goes. ALSA's
//! is one, the fake another.

use std::time::Duration;

/// The place of a port: client and port number. Another one after every plug, or the same one for somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The client.
    pub client: i32,
    /// Its port.
    pub port: i32,
}

/// A port of another client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Where it is now.
    pub address: Address,
    /// What its client calls itself.
    pub client: String,
    /// What the client calls the port.
    pub name: String,
    /// The sound card that it belongs to, where it is hardware.
    pub card: Option<u32>,
    /// We can hear it.
    pub speaks: bool,
    /// It can hear us.
    pub listens: bool,
}

/// Gets the bytes of whole messages, on a thread of the connection's own. It may block.
pub type Hear = Box<dyn FnMut(&[u8]) + Send>;

/// A sequencer. Connections end when they are dropped; dropping one that hears waits until it has heard out.
pub trait Sequencer: Send + 'static {
    /// A connection that hears.
    type In: Send + 'static;
    /// A connection that is spoken into.
    type Out: Mouth;
    /// Word of who comes and goes.
    type News: News;

    /// All ports but our own; none where the sequencer is gone.
    fn ports(&self) -> Vec<Port>;

    /// Hears a port; none if it has left.
    fn listen(&self, to: Address, hear: Hear) -> Option<Self::In>;

    /// Speaks to a port; none if it has left or does not listen.
    fn speak(&self, to: Address) -> Option<Self::Out>;

    /// A port of our own that other programs speak to; none where the system has no room for it.
    fn own_ear(&self, hear: Hear) -> Option<Self::In>;

    /// A port of our own that other programs listen to.
    fn own_mouth(&self) -> Option<Self::Out>;

    /// Word of who comes and goes, from now on; none where there is none.
    fn news(&self) -> Option<Self::News>;
}

/// A connection that is spoken into.
pub trait Mouth: Send + 'static {
    /// Sends one whole message.
    ///
    /// # Errors
    /// In words.
    fn send(&mut self, message: &[u8]) -> Result<(), String>;
}

/// Word of who comes and goes.
pub trait News: Send + 'static {
    /// Waits for it, no longer than `patience`: `None` where nothing happened, else the ports that went. Whoever came is
    /// found in the list of ports; a port of `-1` is all of a client's.
    fn wait(&mut self, patience: Duration) -> Option<Vec<Address>>;
}
