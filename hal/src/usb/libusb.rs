//! The bus by libusb: one context, its plug events where the system has them, and transfers that block.
//!
//! The kernel's audio driver finds a device by its audio control interface and takes the MIDI interface along, so both are
//! taken from it, and giving back means asking it to look at the control interface again. Class requests are never sent.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusb::{Context, Device, DeviceHandle, Error, HotplugBuilder, Registration, TransferType, UsbContext};

use super::bus::{Bus, Found, Link, LinkFault, Refusal, Seat};
use super::descriptor::{Carriage, Endpoint, Interface, Pipe, Streaming, held_by_kernel};
use super::plug::{Plug, SYS, at_port};

/// The class of hubs, which are many and never controllers.
const HUB: u8 = 9;

/// All devices, by libusb.
pub struct LibUsb {
    context: Context,
    /// Something was plugged or unplugged since it was last asked.
    changed: Arc<AtomicBool>,
    /// None where the system tells no plugs: then the bus is looked at instead.
    plugs: Option<Mutex<Registration<Context>>>,
    sys: PathBuf,
}

/// Raises the flag; everything else happens on our own threads, since libusb allows little in here.
struct Bell(Arc<AtomicBool>);

impl<T: UsbContext> rusb::Hotplug<T> for Bell {
    fn device_arrived(&mut self, _device: Device<T>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn device_left(&mut self, _device: Device<T>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl LibUsb {
    /// Opens libusb.
    ///
    /// # Errors
    /// In words, where it does not start.
    pub fn new() -> Result<Self, String> {
        let context = Context::new().map_err(|error| format!("libusb does not start ({error})"))?;
        let changed = Arc::new(AtomicBool::new(false));
        let plugs = rusb::has_hotplug()
            .then(|| HotplugBuilder::new().register(&context, Box::new(Bell(Arc::clone(&changed)))).ok())
            .flatten();
        Ok(Self { context, changed, plugs: plugs.map(Mutex::new), sys: PathBuf::from(SYS) })
    }

    fn found(&self, device: &Device<Context>) -> Option<Found> {
        let descriptor = device.device_descriptor().ok().filter(|it| it.class_code() != HUB)?;
        // The kernel keeps them: nothing is asked of the device.
        let configuration = device.active_config_descriptor().ok()?;
        let settings = configuration.interfaces().flat_map(|it| it.descriptors().collect::<Vec<_>>());
        let interfaces = settings.map(|it| interface(&it)).collect();
        let ports: Vec<String> = device.port_numbers().ok()?.iter().map(u8::to_string).collect();
        let port = format!("{}-{}", device.bus_number(), ports.join("."));
        let (vendor, product) = (descriptor.vendor_id(), descriptor.product_id());
        let read = at_port(&self.sys, &port).filter(|it| (it.vendor, it.product) == (vendor, product));
        let plug = read.unwrap_or_else(|| Plug { vendor, product, port, ..Plug::default() });
        Some(Found { seat: seat(device), plug, interfaces })
    }
}

fn seat(device: &Device<Context>) -> Seat {
    Seat { bus: device.bus_number(), address: device.address() }
}

fn interface(setting: &rusb::InterfaceDescriptor<'_>) -> Interface {
    let endpoint = |it: rusb::EndpointDescriptor<'_>| Endpoint {
        address: it.address(),
        carriage: match it.transfer_type() {
            TransferType::Bulk => Carriage::Bulk,
            TransferType::Interrupt => Carriage::Interrupt,
            TransferType::Control | TransferType::Isochronous => Carriage::Other,
        },
        extra: it.extra().unwrap_or_default().to_vec(),
    };
    Interface {
        number: setting.interface_number(),
        setting: setting.setting_number(),
        class: setting.class_code(),
        subclass: setting.sub_class_code(),
        endpoints: setting.endpoint_descriptors().map(endpoint).collect(),
        extra: setting.extra().to_vec(),
    }
}

impl Bus for LibUsb {
    type Link = UsbLink;

    fn devices(&self) -> Result<Vec<Found>, String> {
        let devices = self.context.devices().map_err(|error| error.to_string())?;
        Ok(devices.iter().filter_map(|device| self.found(&device)).collect())
    }

    fn open(&self, found: &Found, streaming: &Streaming) -> Result<UsbLink, Refusal> {
        let devices = self.context.devices().map_err(refused)?;
        let device = devices.iter().find(|device| seat(device) == found.seat).ok_or(Refusal::Gone)?;
        // From here on its drop gives back whatever was taken.
        let mut link = UsbLink { handle: device.open().map_err(refused)?, streaming: *streaming, taken: Vec::new() };
        for number in held_by_kernel(&found.interfaces) {
            // A system that cannot say who holds an interface has no driver on it.
            if link.handle.kernel_driver_active(number).unwrap_or(false) {
                link.handle.detach_kernel_driver(number).map_err(refused)?;
            }
            // Also one that nobody held: a box that was killed left it so.
            link.taken.push(number);
        }
        link.handle.claim_interface(streaming.interface).map_err(refused)?;
        if streaming.setting != 0 {
            link.handle.set_alternate_setting(streaming.interface, streaming.setting).map_err(refused)?;
        }
        Ok(link)
    }

    fn wait(&self, patience: Duration) {
        if self.changed.swap(false, Ordering::Relaxed) {
            return;
        }
        // Events are also handled by the threads that read; either way the flag says what happened.
        if self.plugs.is_none() || self.context.handle_events(Some(patience)).is_err() {
            std::thread::sleep(patience);
        }
        self.changed.store(false, Ordering::Relaxed);
    }
}

fn refused(error: Error) -> Refusal {
    match error {
        Error::NoDevice | Error::NotFound => Refusal::Gone,
        Error::Access => Refusal::Denied,
        Error::Busy => Refusal::Busy,
        other => Refusal::Failed(other.to_string()),
    }
}

/// One open device.
pub struct UsbLink {
    handle: DeviceHandle<Context>,
    streaming: Streaming,
    /// The interfaces that are the kernel's driver's, in the order in which it gets them back.
    taken: Vec<u8>,
}

impl Link for UsbLink {
    fn read(&self, transfer: &mut [u8], patience: Duration) -> Result<usize, LinkFault> {
        let Pipe { address, interrupt, .. } = self.streaming.input.ok_or(LinkFault::Gone)?;
        let read = match interrupt {
            true => self.handle.read_interrupt(address, transfer, patience),
            false => self.handle.read_bulk(address, transfer, patience),
        };
        nothing_in_time(read)
    }

    fn write(&self, bytes: &[u8], patience: Duration) -> Result<usize, LinkFault> {
        let Pipe { address, interrupt, .. } = self.streaming.output.ok_or(LinkFault::Gone)?;
        let written = match interrupt {
            true => self.handle.write_interrupt(address, bytes, patience),
            false => self.handle.write_bulk(address, bytes, patience),
        };
        if written == Err(Error::Pipe) {
            // For the next time; this time it is told.
            let _ = self.handle.clear_halt(address);
        }
        nothing_in_time(written)
    }

    fn clear_stall(&self) -> Result<(), LinkFault> {
        let Pipe { address, .. } = self.streaming.input.ok_or(LinkFault::Gone)?;
        self.handle.clear_halt(address).map_err(fault)
    }
}

impl Drop for UsbLink {
    fn drop(&mut self) {
        // All of this fails when the device was unplugged, and then there is nothing to give back.
        let _ = self.handle.release_interface(self.streaming.interface);
        for number in &self.taken {
            let _ = self.handle.attach_kernel_driver(*number);
        }
    }
}

fn nothing_in_time(moved: rusb::Result<usize>) -> Result<usize, LinkFault> {
    match moved {
        Err(Error::Timeout | Error::Interrupted) => Ok(0),
        moved => moved.map_err(fault),
    }
}

fn fault(error: Error) -> LinkFault {
    match error {
        Error::NoDevice | Error::NotFound => LinkFault::Gone,
        Error::Pipe => LinkFault::Stalled,
        other => LinkFault::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bus, LibUsb};

    #[test]
    fn a_machine_without_usb_has_no_devices_or_says_why() {
        // Containers have no bus at all; where there is one, every device found must have a place.
        match LibUsb::new().and_then(|bus| bus.devices()) {
            Ok(found) => assert!(found.iter().all(|it| it.plug.port.contains('-') && it.seat.address > 0)),
            Err(words) => assert!(!words.is_empty()),
        }
    }
}
