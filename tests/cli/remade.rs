//! What the tests of the commands have in common that make an image of another.

use serde_json::Value;

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::session::Session;
use crate::support::tarball::{Member, member, unpack};

/// The directories and names of random layers: few, so that they meet.
const DIRECTORIES: [&str; 5] = ["", "a/", "a/b/", "c/", "c/d/"];
const NAMES: [&str; 4] = ["f", "g", "h", "i j"];

/// Numbers that look random and are the same each time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// A layer of files, links, directories and whiteouts.
pub(crate) fn random_layer(dice: &mut Dice) -> Vec<u8> {
    let mut items: Vec<Item> = Vec::new();
    let mut files: Vec<String> = Vec::new();
    // A directory in whose place this layer has a file.
    let replaced = (dice.below(4) == 0).then(|| dice.pick(&["a", "c", "c/d"]));
    for _ in 0..dice.below(14) {
        let path = format!("{}{}", dice.pick(&DIRECTORIES), dice.pick(&NAMES));
        if replaced.is_some_and(|replaced| path.starts_with(replaced)) {
            continue;
        }
        let directory = path.rsplit_once('/').map_or(String::new(), |(directory, _)| directory.to_owned());
        if dice.below(2) == 0 && !directory.is_empty() && items.iter().all(|item| item.name != directory.as_bytes()) {
            let mode = [0o755, 0o700, 0o1777][dice.below(3)];
            items.push(Item::dir(&directory).mode(mode).owner(dice.below(3) as u64, 0));
        }
        let is_new = items.iter().all(|item| item.name != path.as_bytes());
        match dice.below(8) {
            0 if is_new => items.push(Item::symlink(&path, dice.pick(&NAMES))),
            1 if is_new && !files.is_empty() => {
                let target = files[dice.below(files.len())].clone();
                items.push(Item::hardlink(&path, target));
            }
            2 => items.push(Item::whiteout(format!("{}.wh.{}", dice.pick(&DIRECTORIES), dice.pick(&NAMES)))),
            3 if !directory.is_empty() => items.push(Item::whiteout(format!("{directory}/.wh..wh..opq"))),
            4 => items.push(Item::whiteout(dice.pick(&[".wh.a", "a/.wh.b", ".wh.c", "c/.wh.d"]))),
            _ if is_new => {
                files.push(path.clone());
                items.push(
                    Item::file(&path, "x".repeat(dice.below(3) * 300))
                        .mode(0o600 + u32::try_from(dice.below(64)).expect("small")),
                );
            }
            _ => {}
        }
    }
    items.extend(replaced.map(|replaced| Item::file(replaced, "instead")));
    // A whiteout beside what it hides is no layer that tools write.
    let hides = |item: &Item| {
        let name = String::from_utf8_lossy(&item.name).into_owned();
        let hidden = name.replace(".wh.", "");
        name.contains(".wh.")
            && (replaced.is_some_and(|replaced| name.starts_with(&format!("{replaced}/")))
                || items.iter().any(|other| {
                    other.name == hidden.as_bytes() || other.name.starts_with(format!("{hidden}/").as_bytes())
                }))
    };
    let kept: Vec<Item> = items.iter().filter(|item| !hides(item)).cloned().collect();
    layer(&kept)
}

/// An image of random layers.
pub(crate) fn random_image(name: &str, seed: u64, layers: usize) -> TestImage {
    let mut dice = Dice::new(seed);
    (0..layers).fold(TestImage::new(&[name]), |image, number| {
        image.raw_layer(&format!("step {number}"), random_layer(&mut dice))
    })
}

/// How the files of two images differ in anything at all, as `diff` prints it.
pub(crate) fn differences(session: &Session, old: &str, new: &str) -> Vec<String> {
    session.ok(&["diff", old, new]).lines().map(ToOwned::to_owned).collect()
}

/// The layers of an image as `save` writes them.
pub(crate) fn layers(session: &Session, image: &str) -> Vec<Vec<u8>> {
    session.ok(&["save", "-o", "saved-layers.tar", image]);
    let members = unpack(&session.read("saved-layers.tar"));
    let manifest: Value = serde_json::from_slice(member(&members, "manifest.json")).expect("JSON");
    let paths = manifest[0]["Layers"].as_array().expect("layers").clone();
    paths.iter().map(|path| member(&members, path.as_str().expect("a path")).to_vec()).collect()
}

/// The names in a layer.
pub(crate) fn names(layer: &[u8]) -> Vec<String> {
    unpack(layer).into_iter().map(|member: Member| member.name).collect()
}

/// The steps of an image, newest first: what made each, and its comment.
pub(crate) fn steps(session: &Session, image: &str) -> Vec<(String, String)> {
    let text = |step: &Value, field: &str| step[field].as_str().unwrap_or_default().to_owned();
    session.history(image).iter().map(|step| (text(step, "CreatedBy"), text(step, "Comment"))).collect()
}
