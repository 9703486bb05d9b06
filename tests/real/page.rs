//! The page of `policy matrix --html` in a real browser: its filters filter,
//! every cell has its rule, and it is readable in the dark and in the light.
//! What goes in is the page as the program writes it; what comes out is the
//! document as the browser has it, and pictures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::skip;
use crate::program;

crate::tests![
    its_filters_filter,
    it_can_be_read_in_the_dark_and_in_the_light,
];

const CHROMIUM: &str = "/usr/lib/chromium/chromium";

/// A folder with the page in it, and what is to be done with the page.
struct Page {
    folder: tempfile::TempDir,
}

impl Page {
    fn new(act: &str) -> Self {
        if !Path::new(CHROMIUM).exists() {
            skip("Debian's `chromium` is not installed");
        }
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(program::path())
            .args(["policy", "matrix", "builtin:claude-code", "--html"])
            .output()
            .unwrap();
        assert!(output.status.success());
        let page = String::from_utf8(output.stdout).unwrap();
        let acted = page.replace("</body>", &format!("<script>{act}</script></body>"));
        assert_ne!(acted, page);
        fs::write(folder.path().join("page.html"), acted).unwrap();
        Self { folder }
    }

    fn browser(&self, arguments: &[&str]) -> String {
        let output = Command::new("timeout")
            .arg("60")
            .arg(CHROMIUM)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--window-size=1200,900",
            ])
            .arg(format!(
                "--user-data-dir={}",
                self.folder.path().join("profile").display()
            ))
            .args(arguments)
            .arg(format!(
                "file://{}",
                self.folder.path().join("page.html").display()
            ))
            .output()
            .unwrap();
        assert!(output.status.success(), "{:?}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    fn picture(&self, scheme: u8) -> PathBuf {
        let path = self.folder.path().join(format!("{scheme}.png"));
        self.browser(&[
            &format!("--blink-settings=preferredColorScheme={scheme}"),
            &format!("--screenshot={}", path.display()),
        ]);
        path
    }
}

/// What a script finds in the page, as text in its title.
fn found(act: &str, find: &str) -> String {
    let page = Page::new(&format!("{act}; document.title = String({find});"));
    let document = page.browser(&["--dump-dom"]);
    let title = document.split("<title>").nth(1).unwrap();
    title.split("</title>").next().unwrap().to_owned()
}

const SHOWN: &str =
    "[...document.querySelectorAll('tbody tr')].filter((row) => !row.hidden).length";
const COLUMNS: &str = "[...document.querySelectorAll('thead th')].filter((head) => !head.hidden).map((head) => head.textContent).join('|')";

fn its_filters_filter() {
    let choose = "const form = document.getElementById('filters');\
        const tell = () => form.dispatchEvent(new Event('input', { bubbles: true }));";
    let all: usize = found("", SHOWN).parse().unwrap();
    assert!(all > 15, "{all} lines");
    assert_eq!(
        found("", COLUMNS),
        "Source|What is the case|terminal, interactive|terminal, not interactive|desktop, remote, web"
    );
    let one = format!("{choose} form.elements.source.value = 'api-key'; tell()");
    let of_one: usize = found(&one, SHOWN).parse().unwrap();
    // And the line for none of them.
    assert!((4..all).contains(&of_one), "{of_one} lines");
    assert_eq!(
        found(
            &one,
            "[...new Set([...document.querySelectorAll('tbody tr[data-source]')].filter((row) => !row.hidden).map((row) => row.dataset.source))]"
        ),
        "api-key"
    );
    let more = format!("{choose} form.elements.passed.checked = true; tell()");
    assert!(found(&more, SHOWN).parse::<usize>().unwrap() > all);
    let web = format!(
        "{choose} for (const box of form.elements.surface) box.checked = box.value === 'web'; tell()"
    );
    assert_eq!(
        found(&web, COLUMNS),
        "Source|What is the case|desktop, remote, web"
    );
    // Behind every cell stands a rule, except at the end, where none decides.
    assert_eq!(
        found(
            "",
            "document.querySelectorAll('tbody tr[data-source] td[data-surfaces]:not(:has(code))').length"
        ),
        "0"
    );
}

fn it_can_be_read_in_the_dark_and_in_the_light() {
    // The contrast of text to what is behind it (WCAG 2.2, 1.4.3).
    let contrast = "const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);\
        const light = (colour) => { const [r, g, b] = parts(colour).map((v) => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };\
        const behind = (node) => { for (let at = node; at; at = at.parentElement) { const back = getComputedStyle(at).backgroundColor; if ((parts(back)[3] ?? 1) > 0) return back; } return 'rgb(255,255,255)'; };\
        const ratio = (node) => { const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x); return (a + .05) / (b + .05); };\
        const worst = Math.min(...[...document.querySelectorAll('h1, p, legend, label, thead th, tbody tr.first th, td, td b, td small, td code')].filter((node) => node.offsetParent).map(ratio));";
    let page = Page::new(&format!(
        "{contrast} document.title = matchMedia('(prefers-color-scheme: dark)').matches + ' ' + worst.toFixed(2)"
    ));
    for (scheme, dark) in [(0, "true"), (1, "false")] {
        let document = page.browser(&[
            &format!("--blink-settings=preferredColorScheme={scheme}"),
            "--dump-dom",
        ]);
        let title = document.split("<title>").nth(1).unwrap();
        let (is_dark, worst) = title
            .split("</title>")
            .next()
            .unwrap()
            .split_once(' ')
            .unwrap();
        assert_eq!(is_dark, dark);
        assert!(worst.parse::<f64>().unwrap() >= 4.5, "contrast {worst}");
    }
    let (dark, light) = (page.picture(0), page.picture(1));
    let (dark, light) = (fs::read(dark).unwrap(), fs::read(light).unwrap());
    assert!(dark.len() > 20_000 && light.len() > 20_000);
    assert_ne!(dark, light);
}
