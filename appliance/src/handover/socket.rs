//! A socket of whole messages, with a descriptor where one belongs to a message. Nothing here waits.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, recvmsg, sendmsg,
    socket_with,
};

use super::words::MESSAGE_BYTES;

/// Connections that wait to be heard.
const WAITING: i32 = 8;

/// What came.
#[derive(Debug)]
pub(super) enum Came {
    /// Nothing yet.
    Nothing,
    /// A message, and a descriptor with it.
    Message(String, Option<OwnedFd>),
    /// The other end is gone.
    End,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process; 0 where it is not seen from here.
    pub process: i32,
    /// Its user.
    pub user: u32,
}

fn new() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
}

pub(super) fn listen_at(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = new()?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, WAITING)?;
    Ok(socket)
}

pub(super) fn connect_to(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = new()?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

pub(super) fn accept(listener: BorrowedFd<'_>) -> Option<OwnedFd> {
    accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).ok()
}

pub(super) fn peer(socket: BorrowedFd<'_>) -> Result<Peer, Errno> {
    let who = socket_peercred(socket)?;
    Ok(Peer { process: who.pid.as_raw_nonzero().get(), user: who.uid.as_raw() })
}

/// Sends a message, and a descriptor with it. One that finds no room is not sent.
pub(super) fn send(socket: BorrowedFd<'_>, text: &str, descriptor: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
    let cut = (0..=text.len().min(MESSAGE_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(socket, &[IoSlice::new(&text.as_bytes()[..cut])], &mut control, flags).map(|_| ())
}

/// What has come.
pub(super) fn receive(socket: BorrowedFd<'_>) -> Came {
    let mut bytes = [0; MESSAGE_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let read = recvmsg(socket.as_fd(), &mut [IoSliceMut::new(&mut bytes)], &mut control, flags);
    let descriptor = control.drain().find_map(|it| match it {
        RecvAncillaryMessage::ScmRights(mut all) => all.next(),
        _ => None,
    });
    match read {
        Ok(message) if message.bytes == 0 => Came::End,
        Ok(message) => Came::Message(String::from_utf8_lossy(&bytes[..message.bytes]).into_owned(), descriptor),
        Err(Errno::AGAIN | Errno::INTR) => Came::Nothing,
        Err(_) => Came::End,
    }
}
