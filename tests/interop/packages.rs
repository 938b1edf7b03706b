//! `packages` beside the package managers themselves, which list what they installed in the same tree.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::peer::{installed, ok, program, skip, unable};
use crate::support::session::Session;

/// A tree as an image, and what is installed there: name, version, architecture.
fn packages(root: &Path, kind: &str) -> BTreeSet<String> {
    let session = Session::new();
    ok(program("tar", &["-cf"]).arg(session.work().join("root.tar")).arg("-C").arg(root).arg("."));
    session.ok(&["import", "root.tar", "fx/tree:1"]);
    lines(&session.ok(&["packages", "-t", kind, "--format", "{{.Name}} {{.Version}} {{.Arch}}", "fx/tree:1"]))
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

/// Whether we are root, as package managers want it that work in another root.
fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip(&format!("{what} is tried as root only"));
    }
    root
}

#[test]
fn dpkg_lists_the_same() {
    if !installed("dpkg") || !installed("dpkg-deb") || !is_root("dpkg") {
        return;
    }
    let session = Session::new();
    let root = session.work().join("root");
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "usr/bin"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a file");
    let dpkg = |args: &[&str]| {
        let mut command = program("dpkg", &["--force-all", "--root"]);
        ok(command.arg(&root).args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let native = ok(&mut program("dpkg", &["--print-architecture"])).trim().to_owned();
    let foreign = if native == "i386" { "amd64" } else { "i386" };
    let table = [
        ("plain", "1.0-1", "all"),
        ("epoch", "2:1.0~rc1+dfsg-1+b2", &native),
        ("libsame", "1-1", &native),
        ("libsame", "1-1", foreign),
        ("held", "1", "all"),
        ("removed", "1", "all"),
        ("purged", "1", "all"),
        ("unpacked", "3", "all"),
    ];
    for (name, version, arch) in table {
        let tree = session.work().join(format!("{name}-{arch}"));
        fs::create_dir_all(tree.join("DEBIAN")).expect("a folder");
        fs::create_dir_all(tree.join("etc")).expect("a folder");
        let multi = if name == "libsame" { "Multi-Arch: same\n" } else { "" };
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nInstalled-Size: 3\n{multi}Maintainer: x <x@x>\n\
             Description: one\n two\n .\n Version: 7\n"
        );
        fs::write(tree.join("DEBIAN/control"), control).expect("a file");
        fs::write(tree.join(format!("etc/{name}.conf")), name).expect("a file");
        fs::write(tree.join("DEBIAN/conffiles"), format!("/etc/{name}.conf\n")).expect("a file");
        let deb = session.work().join(format!("{name}-{arch}.deb"));
        ok(program("dpkg-deb", &["-Znone", "-b"]).arg(&tree).arg(&deb));
        let how = if name == "unpacked" { "--unpack" } else { "-i" };
        dpkg(&[how, deb.to_str().expect("UTF-8")]);
    }
    dpkg(&["--remove", "removed"]);
    dpkg(&["--purge", "purged"]);
    let mut selections = program("dpkg", &["--root"]);
    selections.arg(&root).arg("--set-selections").stdin(Stdio::piped());
    let mut child = selections.spawn().expect("dpkg starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"held hold\n").expect("dpkg listens");
    assert!(child.wait().expect("dpkg ends").success());
    let format = "${Package} ${Version} ${Architecture} ${db:Status-Status}\n";
    let admin = format!("--admindir={}", root.join("var/lib/dpkg").display());
    let said = ok(&mut program("dpkg-query", &[&admin, "-W", "-f", format]));
    assert!(said.contains("removed 1 all config-files"), "{said}");
    let there = said.lines().filter(|line| !line.ends_with(" config-files"));
    let expected: BTreeSet<String> = there.map(|line| line.rsplit_once(' ').expect("a state").0.to_owned()).collect();
    assert_eq!(expected.len(), 6, "{said}");
    assert_eq!(packages(&root, "deb"), expected);
}

/// A folder with packages for rpm: 60 small ones, one with an epoch, and one with thousands of files.
fn rpms(session: &Session) -> Vec<String> {
    let mut spec = "Name: many\nEpoch: 3\nVersion: 1.0\nRelease: 1\nSummary: x\nLicense: MIT and GPLv2+\n%description\nx\n\
        %install\nmkdir -p %{buildroot}/many\nfor i in $(seq 1500); do : > %{buildroot}/many/a-long-name-of-a-file-$i; done\n\
        %files\n/many\n"
        .to_owned();
    for number in 0..60 {
        let arch = if number % 2 == 0 { "BuildArch: noarch\n" } else { "" };
        let _ = write!(
            spec,
            "%package -n small{number}\nSummary: x\nVersion: {number}.0~rc^git1\n{arch}%description -n small{number}\n{}\n\
             %files -n small{number}\n",
            "word ".repeat(number * 20),
        );
    }
    let path = session.write("many.spec", spec);
    let top = format!("_topdir {}", session.work().join("rpmbuild").display());
    ok(program("rpmbuild", &["-bb", "--quiet", "--define", &top]).arg(path));
    let folder = session.work().join("rpmbuild/RPMS");
    let mut found = Vec::new();
    for arch in fs::read_dir(folder).expect("a folder") {
        for file in fs::read_dir(arch.expect("an entry").path()).expect("a folder") {
            found.push(file.expect("an entry").path().display().to_string());
        }
    }
    found.sort();
    assert_eq!(found.len(), 61);
    found
}

struct Rpm<'a> {
    root: &'a Path,
    backend: &'a str,
    folder: &'a str,
}

impl Rpm<'_> {
    fn run(&self, args: &[&str]) -> String {
        let (backend, path) = (format!("_db_backend {}", self.backend), format!("_dbpath /{}", self.folder));
        let mut command = program("rpm", &["--define", &backend, "--define", &path, "--root"]);
        ok(command.arg(self.root).args(args))
    }

    fn add(&self, rpms: &[String]) {
        let mut args = vec!["-i", "--justdb", "--nodeps", "--noscripts", "--ignorearch", "--ignoreos"];
        args.extend(rpms.iter().map(String::as_str));
        self.run(&args);
    }

    fn all(&self) -> BTreeSet<String> {
        let epoch = "%|EPOCH?{%{EPOCH}:}|";
        lines(&self.run(&["-qa", "--qf", &format!("%{{NAME}} {epoch}%{{VERSION}}-%{{RELEASE}} %{{ARCH}}\n")]))
    }
}

#[test]
fn rpm_lists_the_same() {
    if !installed("rpm") || !installed("rpmbuild") || !installed("python3") || !is_root("rpm") {
        return;
    }
    let session = Session::new();
    let rpms = rpms(&session);
    in_each_kind_of_database(&session, &rpms);
    in_the_log_of_sqlite(&session, &rpms);
}

fn in_each_kind_of_database(session: &Session, rpms: &[String]) {
    let places = [
        ("sqlite", "var/lib/rpm", "rpmdb.sqlite"),
        ("ndb", "usr/lib/sysimage/rpm", "Packages.db"),
        ("sqlite", "usr/lib/sysimage/rpm", "rpmdb.sqlite"),
    ];
    for (at, (backend, folder, file)) in places.into_iter().enumerate() {
        let root = session.work().join(format!("root{at}"));
        fs::create_dir_all(&root).expect("a folder");
        let rpm = Rpm { root: &root, backend, folder };
        rpm.run(&["--initdb"]);
        if !root.join(folder).join(file).is_file() {
            // Debian's rpm only has SQLite.
            unable(&format!("this rpm cannot write {file}"));
            continue;
        }
        rpm.add(rpms);
        rpm.run(&["-e", "--justdb", "--nodeps", "small7", "small30"]);
        let expected = rpm.all();
        assert_eq!(expected.len(), 59);
        assert!(expected.iter().any(|one| one.starts_with("many 3:1.0-1 ")), "{expected:?}");
        if folder.starts_with("usr") {
            fs::create_dir_all(root.join("var/lib")).expect("a folder");
            std::os::unix::fs::symlink("../../usr/lib/sysimage/rpm", root.join("var/lib/rpm")).expect("a link");
        }
        // What an older rpm left.
        let mut berkeley = vec![0; 4096];
        berkeley[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
        fs::write(root.join(folder).join("Packages"), berkeley).expect("a file");
        assert_eq!(packages(&root, "rpm"), expected, "{backend} in {folder}");
    }
}

/// What another process keeps `SQLite` from merging into its database counts.
fn in_the_log_of_sqlite(session: &Session, rpms: &[String]) {
    let root = session.work().join("root");
    fs::create_dir_all(&root).expect("a folder");
    let rpm = Rpm { root: &root, backend: "sqlite", folder: "var/lib/rpm" };
    rpm.run(&["--initdb"]);
    rpm.add(&rpms[..30]);
    let database = root.join("var/lib/rpm/rpmdb.sqlite");
    let mut reader = reader(&database);
    rpm.add(&rpms[30..]);
    rpm.run(&["-e", "--justdb", "--nodeps", "small1"]);
    let expected = rpm.all();
    let log = fs::metadata(root.join("var/lib/rpm/rpmdb.sqlite-wal")).expect("a log").len();
    assert!(log > 100_000, "{log}");
    let with_log = packages(&root, "rpm");
    fs::remove_file(root.join("var/lib/rpm/rpmdb.sqlite-wal")).expect("a file");
    let without = packages(&root, "rpm");
    reader.kill().expect("it runs");
    reader.wait().expect("it ends");
    assert_eq!((with_log.len(), &with_log), (60, &expected));
    assert_eq!(without.len(), 30);
}

/// Reads a database, and goes on reading, so that no log is merged into it.
fn reader(database: &Path) -> Child {
    let script = "import sqlite3, sys, time\n\
        db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
        db.execute('begin')\n\
        db.execute('select count(*) from Packages').fetchone()\n\
        print('ready', flush=True)\n\
        time.sleep(60)\n";
    let mut command = program("python3", &["-c", script]);
    let mut child = command.arg(database).stdout(Stdio::piped()).spawn().expect("python3 starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    child
}

#[test]
fn pip_lists_the_same() {
    let has_venv = installed("python3") && {
        let here = program("python3", &["-c", "import venv, ensurepip"]).output();
        let here = here.is_ok_and(|output| output.status.success());
        if !here {
            skip("python3 has no venv");
        }
        here
    };
    if !has_venv {
        return;
    }
    let session = Session::new();
    let root = session.work().join("root");
    let venv = root.join("opt/venv");
    ok(program("python3", &["-m", "venv"]).arg(&venv));
    let script = "import sys, zipfile\n\
        for name, version in [('Flask_Thing', '3.0.5'), ('zope.odd', '1!2.0.post1'), ('x', '0')]:\n    \
            base = f'{name}-{version}'\n    \
            with zipfile.ZipFile(f'{base}-py3-none-any.whl', 'w') as wheel:\n        \
                info = f'{base}.dist-info'\n        \
                wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n\\nName: no\\n')\n        \
                wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n        \
                wheel.writestr(f'{info}/RECORD', '')\n";
    ok(program("python3", &["-c", script]).current_dir(session.work()));
    let pip = |args: &[&str]| {
        let python = venv.join("bin/python3").display().to_string();
        let mut command = program(&python, &["-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]);
        ok(command.args(args).current_dir(session.work()))
    };
    let [flask, zope, x] =
        ["Flask_Thing-3.0.5", "zope.odd-1!2.0.post1", "x-0"].map(|one| format!("./{one}-py3-none-any.whl"));
    pip(&["install", "-q", "--no-index", &flask, &zope]);
    let target = root.join("app/libs").display().to_string();
    pip(&["install", "-q", "--no-index", "--target", &target, &x]);
    // An older form of records, and what pip leaves if it is stopped while it removes.
    let site = fs::read_dir(venv.join("lib")).expect("a folder").next().expect("python3.x").expect("an entry").path();
    let site = site.join("site-packages");
    fs::write(site.join("old_one-1.5.egg-info"), "Metadata-Version: 1.0\nName: old-one\nVersion: 1.5\n")
        .expect("a file");
    fs::create_dir(site.join("~half-1.0.dist-info")).expect("a folder");
    fs::write(site.join("~half-1.0.dist-info/METADATA"), "Metadata-Version: 2.1\nName: half\nVersion: 1.0\n")
        .expect("a file");
    let mut expected = BTreeSet::new();
    for args in [&["list", "--format", "json"][..], &["list", "--format", "json", "--path", &target]] {
        let listed: Value = serde_json::from_str(&pip(args)).expect("JSON");
        for one in listed.as_array().expect("an array") {
            let text = |key: &str| one[key].as_str().expect("a text").to_owned();
            expected.insert(format!("{} {} ", text("name"), text("version")));
        }
    }
    assert!(expected.contains("old-one 1.5 ") && !expected.iter().any(|one| one.contains("half")), "{expected:?}");
    // setuptools brings libraries along that are not installed.
    let mut found = packages(&root, "python");
    if expected.iter().any(|one| one.starts_with("setuptools ")) {
        found.retain(|one| expected.contains(one) || !site.join("setuptools/_vendor").exists());
    }
    assert_eq!(found, expected);
}
