//! Contracts for the tests of the sources: the least that is one.

use crate::engine::bindings as wit;

/// A source named `sample` of this kind, whose endpoint follows `BASE_URL`.
pub(crate) fn source(kind: wit::Kind) -> wit::Source {
    wit::Source {
        id: "sample".to_owned(),
        description: "a sample".to_owned(),
        kind,
        headers: vec![wit::Pair {
            name: "X-Api-Key".to_owned(),
            text: "{secret}".to_owned(),
        }],
        export: Vec::new(),
        endpoint: Some(wit::Endpoint {
            default: "https://api.test".to_owned(),
            variable: Some("BASE_URL".to_owned()),
        }),
        asks: false,
        keep_as: None,
        at: wit::Location {
            path: "sample.toml".to_owned(),
            line: 1,
            column: 1,
            offset: 0,
            length: 0,
        },
    }
}

/// The same path on every system.
pub(crate) fn everywhere(path: &str) -> wit::Paths {
    wit::Paths {
        linux: path.to_owned(),
        macos: path.to_owned(),
        windows: path.to_owned(),
    }
}

/// A policy for a tool whose folder is `~/.sample`, or where `SAMPLE_FOLDER`
/// says.
pub(crate) fn about() -> wit::About {
    wit::About {
        name: "sample".to_owned(),
        description: "a sample".to_owned(),
        tool: wit::Tool {
            name: Some("Sample".to_owned()),
            folder: Some(wit::Folder {
                variable: Some("SAMPLE_FOLDER".to_owned()),
                default: everywhere("~/.sample"),
            }),
            settings: Vec::new(),
        },
        clears: Vec::new(),
        hides: Vec::new(),
        documents: Vec::new(),
        warnings: Vec::new(),
    }
}
