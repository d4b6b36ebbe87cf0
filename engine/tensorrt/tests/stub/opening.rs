//! Finding and opening.

use std::fs;

use tensorrt::{Flavour, OpenError, Search, TensorRt};

use crate::Stub;

#[test]
fn what_is_not_installed_is_said_with_every_path_that_was_tried() {
    let nowhere = tempfile::tempdir().unwrap();
    let error = TensorRt::open(&Search::only(nowhere.path())).unwrap_err();
    let tried = ["libdemon_tensorrt_rtx.so", "libdemon_tensorrt.so"].map(|name| nowhere.path().join(name));
    assert_eq!(error, OpenError::NotInstalled { tried: tried.to_vec() });
    assert!(error.to_string().contains("make tensorrt"), "{error}");
}

#[test]
fn the_version_is_read_from_the_library() {
    assert_eq!(Stub::new(&[]).open().unwrap().version().to_string(), "rtx 1.7.1");
    let other = Stub::new(&["STUB_FLAVOUR=DT_FLAVOUR_DATACENTRE"]).open().unwrap();
    assert_eq!(other.version().flavour, Flavour::Datacentre);
}

#[test]
fn the_first_folder_that_holds_a_shim_decides() {
    let (empty, first, second) = (tempfile::tempdir().unwrap(), Stub::new(&[]), Stub::new(&[]));
    let folders = [empty.path().to_owned(), first.path("."), second.path(".")].to_vec();
    let opened = TensorRt::open(&Search { folders, ..first.search() }).unwrap();
    assert_eq!(opened.shim_path(), first.path("./libdemon_tensorrt_rtx.so"));
    assert_eq!(second.journal(), [""; 0]);
}

#[test]
fn libraries_beside_the_shim_come_before_those_of_the_system() {
    let stub = Stub::new(&[]);
    fs::write(stub.path("libtensorrt_rtx.so.1"), "").unwrap();
    stub.open().unwrap();
    let beside = stub.path("libtensorrt_rtx.so.1").display().to_string();
    assert_eq!(stub.journal()[..2], [beside, "libtensorrt_onnxparser_rtx.so.1".to_owned()]);
}

#[test]
fn a_shim_of_another_build_is_refused_before_anything_else_is_asked() {
    let stub = Stub::new(&["STUB_ABI=9", "STUB_LACKS_A_FUNCTION"]);
    let path = stub.path("libdemon_tensorrt_rtx.so");
    assert_eq!(stub.open().unwrap_err(), OpenError::OtherAbi { path, found: 9, expected: 1 });
    assert_eq!(stub.journal(), [""; 0]);
}

#[test]
fn a_missing_function_is_named() {
    let stub = Stub::new(&["STUB_LACKS_A_FUNCTION"]);
    let (path, symbol) = (stub.path("libdemon_tensorrt_rtx.so"), "dt_headers_version".to_owned());
    assert_eq!(stub.open().unwrap_err(), OpenError::MissingSymbol { path, symbol });
}

#[test]
fn a_function_that_tensorrt_itself_lacks_is_named() {
    let stub =
        Stub::new(&["STUB_OPEN=DT_NO_SYMBOL", "STUB_WORDS=\"libtensorrt_rtx.so.1: createInferBuilder_INTERNAL\""]);
    let (path, symbol) =
        (stub.path("libdemon_tensorrt_rtx.so"), "libtensorrt_rtx.so.1: createInferBuilder_INTERNAL".to_owned());
    assert_eq!(stub.open().unwrap_err(), OpenError::MissingSymbol { path, symbol });
}

#[test]
fn libraries_that_do_not_belong_together_are_told_from_those_that_do_not_open() {
    let other = Stub::new(&["STUB_OPEN=DT_OTHER_VERSION"]).open().unwrap_err();
    assert!(matches!(&other, OpenError::OtherVersion { why, .. } if why == "the stub was told to fail"), "{other}");
    let closed = Stub::new(&["STUB_OPEN=DT_NOT_OPENED"]).open().unwrap_err();
    assert!(matches!(&closed, OpenError::NotOpened { why, .. } if why == "the stub was told to fail"), "{closed}");
}

#[test]
fn a_file_that_is_no_library_is_said_to_be_none() {
    let stub = Stub::new(&[]);
    fs::remove_file(stub.path("libdemon_tensorrt_rtx.so")).unwrap();
    fs::write(stub.path("libdemon_tensorrt_rtx.so"), "not a library").unwrap();
    let error = stub.open().unwrap_err();
    assert!(matches!(&error, OpenError::NotOpened { .. }), "{error}");
    assert!(error.to_string().contains("libdemon_tensorrt_rtx.so"), "{error}");
}
