//! Docker's types as templates see them: the fields of each struct, and their zero values.

use crate::go::template::{Field, Struct, Type};

use Type::{Any, Duration, Flag, List, Map, Nothing, Number, Pointer, Text, Time};

/// What `docker image inspect` shows: `image.InspectResponse` of clients 28 and 29.
pub(crate) static IMAGE: Struct = Struct::of(
    "image.InspectResponse",
    &[
        // Templates with `.Id`, which only the JSON has, are executed over the JSON.
        Field { name: "ID", json: "Id", of: Text },
        Field::new("RepoTags", TEXTS),
        Field::new("RepoDigests", TEXTS),
        Field::new("Parent", Text),
        Field::new("Comment", Text),
        Field::new("Created", Text),
        Field::new("Container", Text),
        Field::new("DockerVersion", Text),
        Field::new("Author", Text),
        Field::new("Config", Pointer(&CONFIG)),
        Field::new("Architecture", Text),
        Field::new("Variant", Text),
        Field::new("Os", Text),
        Field::new("OsVersion", Text),
        Field::new("Size", Number),
        Field::new("GraphDriver", Pointer(&GRAPH_DRIVER)),
        Field::new("RootFS", Type::Struct(&ROOT_FS)),
        Field::new("Metadata", Type::Struct(&METADATA)),
        Field::new("Descriptor", Pointer(&DESCRIPTOR)),
        Field::new("Manifests", List(&Any)),
    ],
);

const TEXTS: Type = List(&Text);
const SET: Type = Map(&Nothing);
const LABELS: Type = Map(&Text);

/// `dockerspec.DockerOCIImageConfig`.
static CONFIG: Struct = Struct {
    only_in_json: &[
        Field::new("Hostname", Text),
        Field::new("Domainname", Text),
        Field::new("AttachStdin", Flag),
        Field::new("AttachStdout", Flag),
        Field::new("AttachStderr", Flag),
        Field::new("Tty", Flag),
        Field::new("OpenStdin", Flag),
        Field::new("StdinOnce", Flag),
        Field::new("Image", Text),
    ],
    ..Struct::of("v1.DockerOCIImageConfig", &[Field::embedded(&OCI_CONFIG), Field::embedded(&DOCKER_CONFIG)])
};

/// `ocispec.ImageConfig`.
static OCI_CONFIG: Struct = Struct::of(
    "v1.ImageConfig",
    &[
        Field::new("User", Text),
        Field::new("ExposedPorts", SET),
        Field::new("Env", TEXTS),
        Field::new("Entrypoint", TEXTS),
        Field::new("Cmd", TEXTS),
        Field::new("Volumes", SET),
        Field::new("WorkingDir", Text),
        Field::new("Labels", LABELS),
        Field::new("StopSignal", Text),
        Field::new("ArgsEscaped", Flag),
    ],
);

/// `dockerspec.DockerOCIImageConfigExt`.
static DOCKER_CONFIG: Struct = Struct::of(
    "v1.DockerOCIImageConfigExt",
    &[Field::new("Healthcheck", Pointer(&HEALTHCHECK)), Field::new("OnBuild", TEXTS), Field::new("Shell", TEXTS)],
);

static HEALTHCHECK: Struct = Struct::of(
    "v1.HealthcheckConfig",
    &[
        Field::new("Test", TEXTS),
        Field::new("Interval", Duration),
        Field::new("Timeout", Duration),
        Field::new("StartPeriod", Duration),
        Field::new("StartInterval", Duration),
        Field::new("Retries", Number),
    ],
);

static GRAPH_DRIVER: Struct = Struct::of("storage.DriverData", &[Field::new("Data", LABELS), Field::new("Name", Text)]);

static ROOT_FS: Struct = Struct::of("image.RootFS", &[Field::new("Type", Text), Field::new("Layers", TEXTS)]);

static METADATA: Struct = Struct::of("image.Metadata", &[Field::new("LastTagTime", Time)]);

/// `ocispec.Descriptor`, whose JSON uses other names.
static DESCRIPTOR: Struct = Struct::of(
    "v1.Descriptor",
    &[
        Field { name: "MediaType", json: "mediaType", of: Text },
        Field { name: "Digest", json: "digest", of: Text },
        Field { name: "Size", json: "size", of: Number },
        Field { name: "URLs", json: "urls", of: TEXTS },
        Field { name: "Annotations", json: "annotations", of: LABELS },
        Field { name: "Data", json: "data", of: Text },
        Field { name: "Platform", json: "platform", of: Pointer(&PLATFORM) },
        Field { name: "ArtifactType", json: "artifactType", of: Text },
    ],
);

static PLATFORM: Struct = Struct::of(
    "v1.Platform",
    &[
        Field { name: "Architecture", json: "architecture", of: Text },
        Field { name: "OS", json: "os", of: Text },
        Field { name: "OSVersion", json: "os.version", of: Text },
        Field { name: "OSFeatures", json: "os.features", of: TEXTS },
        Field { name: "Variant", json: "variant", of: Text },
    ],
);

/// A row of `images`.
pub static IMAGE_ROW: Struct = Struct::row("*formatter.imageContext");
/// A row of `history`.
pub static HISTORY_ROW: Struct = Struct::row("*image.historyContext");
/// A row of `layers`, which docker does not have.
pub static LAYER_ROW: Struct = Struct::row("*image.layerContext");
/// A row of `which`, which docker does not have.
pub static CHANGE_ROW: Struct = Struct::row("*image.changeContext");
/// A row of `packages`, which docker does not have.
pub static PACKAGE_ROW: Struct = Struct::row("*packages.packageContext");
/// A row of `search`.
pub static SEARCH_ROW: Struct =
    Struct { has_methods: true, ..Struct::open("*registry.searchContext", &[Field::new("IsOfficial", Type::Mark)]) };
/// A row of `system df`.
pub static DISK_USAGE_ROW: Struct = Struct::row("*formatter.diskUsageImagesContext");
/// What `system df --verbose` shows.
pub static DISK_USAGE: Struct =
    Struct::open("*formatter.diskUsageContext", &[Field::new("Images", List(&Type::Struct(&IMAGE_ROW)))]);
/// What `info` shows.
pub static INFO: Struct = Struct::open("system.dockerInfo", &[]);
/// What `version` shows.
pub static VERSION: Struct = Struct::open("system.versionInfo", &[Field::new("Client", Type::Struct(&CLIENT_VERSION))]);

static CLIENT_VERSION: Struct = Struct::open("system.clientVersion", &[]);
