//! Every subset of the five sources of document 000, on every surface, as one
//! table: `tests/subsets.txt`. `UPDATE_EXPECT=1` rewrites it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use keyrule::ambient::Ambient;
use keyrule::resolver::Resolver;
use keyrule_contract as wit;
use keyrule_tests::native;
use keyrule_tests::render::word;

/// Columns: the session, and whether somebody is there.
const SESSIONS: [(&str, wit::Surface, bool); 5] = [
    ("terminal", wit::Surface::Terminal, false),
    ("terminal, interactive", wit::Surface::Terminal, true),
    ("desktop", wit::Surface::Desktop, false),
    ("remote", wit::Surface::Remote, false),
    ("web", wit::Surface::Web, false),
];

fn world(subset: u8, home: &Path) -> Ambient {
    let has = |bit: u8| subset & (1 << bit) != 0;
    let claude = home.join(".claude");
    fs::create_dir_all(&claude).expect("a folder");
    let mut ambient = Ambient::empty();
    ambient.home = Some(home.to_path_buf());
    if has(4) {
        ambient = ambient.with_variable("CLAUDE_CODE_USE_BEDROCK", "1");
    }
    if has(3) {
        ambient = ambient.with_variable("ANTHROPIC_AUTH_TOKEN", "s3cr3t-auth-token");
    }
    if has(2) {
        ambient = ambient.with_variable("ANTHROPIC_API_KEY", "s3cr3t-api-key");
    }
    if has(1) {
        fs::write(
            claude.join("settings.json"),
            r#"{"apiKeyHelper": "exit 1"}"#,
        )
        .expect("settings");
    }
    if has(0) {
        fs::write(claude.join(".credentials.json"), r#"{"claudeAiOauth": {}}"#).expect("a login");
    }
    ambient
}

fn outcome(resolver: &mut Resolver) -> String {
    let explained = resolver.explain().expect("an explanation");
    let id = |index: u32| explained.sources[index as usize].id.clone();
    match explained.explanation.verdict {
        wit::Verdict::Look(_) => "look".to_owned(),
        wit::Verdict::Ask(index) => format!("ask {}", id(index)),
        wit::Verdict::Fetch(index) => format!("get {}", id(index)),
        wit::Verdict::Use(index) => format!("use {}", id(index)),
        wit::Verdict::Refuse(refused) => match refused.source {
            Some(index) => format!("{} {}", word(&refused.reason), id(index)),
            None => word(&refused.reason),
        },
        wit::Verdict::Consult => "consult".to_owned(),
    }
}

#[test]
fn every_subset_of_the_five_sources_on_every_surface() {
    let mut table = String::from("cloud token key helper login");
    for (name, _, _) in SESSIONS {
        let _ = write!(table, " | {name}");
    }
    table.push('\n');
    for subset in 0..32_u8 {
        let home = tempfile::tempdir().expect("a home");
        let ambient = world(subset, home.path());
        for (bit, width) in [(4, 5), (3, 5), (2, 3), (1, 6), (0, 5)] {
            let mark = if subset & (1 << bit) == 0 { "-" } else { "x" };
            let _ = write!(table, "{}{mark:<width$}", if bit == 4 { "" } else { " " });
        }
        for (_, surface, interactive) in SESSIONS {
            let build = |load| {
                Resolver::hermetic("claude-code")
                    .ambient(ambient.clone())
                    .surface(surface)
                    .interactive(interactive)
                    .load_by(load)
                    .build()
                    .expect("the builtin policy")
            };
            let component = outcome(&mut build(keyrule_engine::load_builtin));
            assert_eq!(component, outcome(&mut build(native::load)), "{subset:05b}");
            let _ = write!(table, " | {component}");
        }
        table.push('\n');
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("subsets.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&golden, &table).expect("a golden file");
    }
    assert_eq!(table, fs::read_to_string(&golden).unwrap_or_default());
}
