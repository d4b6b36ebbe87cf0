//! `demon stick`: what a mounted stick brings is looked at and copied, an update on it is offered, reports are taken home.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::{update, version};
use crate::files::{FileError, plain, shown};
use crate::service::bulletin::Bulletin;
use crate::service::slow::give_way;
use crate::settings::learnt_maps;
use crate::settings::library::Library;
use crate::stick::bring::{Home, NOTHING, offers};
use crate::stick::{Stick, home};
use crate::update::KEY;

/// What the running box is told under: of what was brought, and of what goes home, which takes no offer back.
const TOLD_AS: [&str; 2] = ["stick", "reports"];

/// `demon stick`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Looked at are demon-VERSION.update, the folder `demon` (recordings, patches, models, adapters, profiles, maps/maps.toml, demon.toml) and, for reports, \
the folder `demon-reports`, and for takes the folder `demon-takes`; nothing else. Nothing is executed, no link is followed, nothing is written over but demon.toml, of which the one before is kept. \
An update is only offered: `demon update` writes it.\n\n\
Exit codes: 0 done; 1 something was refused, and the rest is done; 2 the command line was not understood.")]
pub struct StickArgs {
    /// Where the stick is mounted
    #[arg(value_name = "FOLDER")]
    pub stick: PathBuf,
    /// Take reports and takes home, where the stick asks for them, and do nothing else
    #[arg(long)]
    pub reports: bool,
    /// The box's file
    #[arg(long, value_name = "FILE", default_value = "/etc/demon/demon.toml")]
    pub config: PathBuf,
    /// The library's folder [default: $DEMON_LIBRARY, or `library` in the state folder]
    #[arg(long, value_name = "FOLDER")]
    pub library: Option<PathBuf>,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Tell the running box, in this folder
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub tell: Option<PathBuf>,
    /// Where a link to an update that is offered is put
    #[arg(long, value_name = "PATH", hide = true)]
    pub offer_at: Option<PathBuf>,
}

/// Something on a stick was refused; what was told.
#[derive(Debug, thiserror::Error)]
#[error("{0} of what the stick brings or asks for was refused")]
pub struct NotAllTaken(usize);

/// Does it, and tells `out`.
///
/// # Errors
/// [`NotAllTaken`]; when `out`, the stick or the running box cannot be written to.
pub fn stick(args: &StickArgs, out: &mut impl Write) -> anyhow::Result<()> {
    give_way();
    let stick = Stick::at(args.stick.clone());
    let state = learnt_maps::folder(args.state.as_deref());
    let home = Home {
        library: Library::find(args.library.as_deref(), &state),
        state,
        box_file: args.config.clone(),
        key: KEY.into(),
    };
    let told_as = TOLD_AS[usize::from(args.reports)];
    let put = |bulletin: Bulletin| args.tell.as_ref().map_or(Ok(()), |folder| bulletin.put(folder, told_as));
    if args.reports {
        return take_home(&stick, &home, &put, out);
    }
    let brought = stick.bring(&home, &mut |name| {
        let _ = put(Bulletin::news(&format!("stick: {name}")));
    });
    for name in &brought.new {
        writeln!(out, "{}", plain(name))?;
    }
    for why in &brought.refused {
        writeln!(out, "refused: {}", plain(why))?;
    }
    let mut parts: Vec<String> = brought.words().into_iter().collect();
    let mut last = Bulletin { is_warning: !brought.refused.is_empty(), ..Bulletin::default() };
    if let Some((version, path)) = stick.update(update::product_of(Path::new("/"))) {
        if let Some(at) = &args.offer_at {
            offer(&path, at)?;
        }
        parts.push(offers(&version));
        last.offer = Some(version.to_string());
    }
    last.words = if parts.is_empty() { NOTHING.to_owned() } else { parts.join("; ") };
    writeln!(out, "{}", last.words)?;
    put(last)?;
    match brought.refused.len() {
        0 => Ok(()),
        count => Err(NotAllTaken(count).into()),
    }
}

/// Takes home what the stick asks for.
fn take_home(
    stick: &Stick,
    home: &Home,
    put: &dyn Fn(Bulletin) -> Result<(), FileError>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut told = Vec::new();
    if let Some(folder) = stick.wants_reports() {
        told.push(home::words(&home::take(home, &folder, version::long())?));
    }
    let takes = stick.wants_takes().map(|folder| {
        home::take_takes(home, &folder, &mut |name| {
            let _ = put(Bulletin::news(&format!("stick: {name} is taken home")));
        })
    });
    told.extend(takes.iter().map(home::TakesHome::words));
    if told.is_empty() {
        return Ok(writeln!(out, "the stick asks for no reports and no takes")?);
    }
    let refused = takes.as_ref().map_or(0, |it| it.refused.len());
    put(Bulletin { is_warning: 0 < refused, ..Bulletin::news(&told.join("; ")) })?;
    told.iter().try_for_each(|it| writeln!(out, "{it}"))?;
    for why in takes.iter().flat_map(|it| &it.refused) {
        writeln!(out, "refused: {}", plain(why))?;
    }
    if refused == 0 { Ok(()) } else { Err(NotAllTaken(refused).into()) }
}

/// A link to the update where whoever writes it looks for it.
fn offer(path: &Path, at: &Path) -> anyhow::Result<()> {
    let whole = std::fs::canonicalize(path).map_err(FileError::reading(path))?;
    let _ = std::fs::remove_file(at);
    std::os::unix::fs::symlink(whole, at).with_context(|| format!("{}: cannot be made", shown(at)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{StickArgs, stick};
    use crate::service::bulletin::Watched;

    #[test]
    fn a_stick_is_told_on_the_box_and_its_offer_stands_while_reports_go_home() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for it in ["stick/demon-reports", "stick/demon", "told", "state"] {
            std::fs::create_dir_all(at(it)).expect("a disk");
        }
        std::fs::write(at("stick/demon-0.2.0.update"), "demon update 1\n").expect("a disk");
        std::fs::write(at("stick/demon/demon.toml"), "nonsense = 1\n").expect("a disk");
        std::fs::write(at("state/crash-report.txt"), "ticks: a\n").expect("a disk");
        let args = StickArgs {
            stick: at("stick"),
            reports: false,
            config: at("etc/demon.toml"),
            library: Some(at("library")),
            state: Some(at("state")),
            tell: Some(at("told")),
            offer_at: Some(at("offer")),
        };
        let mut out = Vec::new();
        let refused = stick(&args, &mut out).expect_err("the box's file is faulty").to_string();
        assert_eq!(refused, "1 of what the stick brings or asks for was refused");
        let told = |args: &StickArgs| {
            let mut out = Vec::new();
            stick(args, &mut out).map(|()| String::from_utf8_lossy(&out).into_owned()).expect("done")
        };
        let home = StickArgs { reports: true, ..args };
        assert_eq!(told(&home), "stick: 1 reports were taken home\n");
        assert!(at("stick/demon-reports/demon-crash-report.txt").is_file() && !at("etc/demon.toml").exists());
        let mut watched = Watched::of([at("told")]);
        let words: Vec<String> = watched.look().into_iter().map(|it| it.words).collect();
        assert_eq!((words.len(), watched.offer()), (2, Some("0.2.0")), "{words:?}");
        assert!(words[1].ends_with("the stick has demon 0.2.0: take-update writes it beside what plays"), "{words:?}");
        let link = std::fs::read_link(at("offer")).expect("a link");
        assert!(link.ends_with(PathBuf::from("stick/demon-0.2.0.update")), "{link:?}");
    }
}
