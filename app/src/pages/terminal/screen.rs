//! The terminal as it is drawn: xterm.js in an element, and what it tells.

use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Function, Uint8Array};
use remote_messages::ssh::Size;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlElement, KeyboardEvent, ResizeObserver};

use super::chords::{Chord, Press, chord};
use super::links::is_web;
use super::settings::Settings;
use super::touch::{self, Touch};
use super::xterm::{self, FitAddon, SearchAddon, Terminal, construct, object};
use super::{clipboard, palette};
use crate::state::document;

/// Enough to look back on; ten thousand lines of eighty letters take about ten megabytes.
const SCROLLBACK_LINES: u32 = 10_000;

/// The operating system commands (OSC) that are carried out: titles, colours, links. All others are
/// refused here, whatever the library would do: 52 would read and write the clipboard.
const REFUSED_OSC: [u16; 9] = [5, 7, 9, 50, 52, 133, 633, 777, 1337];

/// What the terminal tells.
pub(super) enum Heard {
    /// Bytes for the shell: typed, pasted, or an answer to a question of the shell.
    Typed(Typed),
    Resized(Size),
    Title(String),
    Bell,
    /// A click on an address; `named`: the shell wrote other words over it.
    Link {
        address: String,
        named: bool,
    },
    /// A text from the clipboard, not judged yet.
    Pasted(String),
    Chord(Chord),
    /// Whether something is selected now.
    Selected(bool),
}

pub(super) enum Typed {
    Text(String),
    /// One byte for each letter: old mouse reports.
    Binary(String),
}

type Hear = Rc<dyn Fn(Heard)>;

/// The terminal. Gone from the page when dropped.
pub(super) struct Screen {
    terminal: Terminal,
    fit: FitAddon,
    search: SearchAddon,
    host: HtmlElement,
    observer: Option<ResizeObserver>,
    /// The functions that the library calls, and the listeners: they live as long as it does.
    _functions: Vec<JsValue>,
    _listeners: Vec<EventListener>,
    _touch: Touch,
}

impl Screen {
    /// Loads the library and draws an empty terminal into `host`.
    ///
    /// # Errors
    /// The library could not be loaded.
    pub(super) async fn open(
        host: HtmlElement,
        settings: Settings,
        hear: Hear,
    ) -> Result<Self, JsValue> {
        let library = JsFuture::from(xterm::import()?).await?;
        load_font(settings.font_px).await;
        let mut functions = Vec::new();
        let terminal: Terminal = construct(
            &library,
            "Terminal",
            &[&options(&host, settings, &hear, &mut functions)],
        )?
        .unchecked_into();
        terminal.open(&host);
        let fit: FitAddon = construct(&library, "FitAddon", &[])?.unchecked_into();
        let search: SearchAddon = construct(&library, "SearchAddon", &[])?.unchecked_into();
        let link = on_link(&hear, false);
        let links = construct(&library, "WebLinksAddon", &[&link])?;
        functions.push(link);
        for addon in [fit.as_ref(), search.as_ref(), &links] {
            terminal.load_addon(addon);
        }
        listen(&terminal, &hear, &mut functions);
        let observer = observe(&host, &fit, &mut functions);
        let listeners = clipboard::listen(&host, &terminal, &hear);
        let touch = touch::listen(&host, &terminal);
        fit.fit();
        Ok(Self {
            terminal,
            fit,
            search,
            host,
            observer,
            _functions: functions,
            _listeners: listeners,
            _touch: touch,
        })
    }

    /// The size now.
    pub(super) fn size(&self) -> Size {
        size(&self.terminal)
    }

    /// Draws bytes of the shell, in order; they are not copied. `drawn` is called once.
    pub(super) fn write(&self, bytes: &Uint8Array, drawn: impl FnOnce() + 'static) {
        let drawn: Function = Closure::once_into_js(drawn).unchecked_into();
        self.terminal.write(bytes, &drawn);
    }

    pub(super) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    pub(super) fn focus(&self) {
        self.terminal.focus();
    }

    /// Puts a judged text in, as a paste.
    pub(super) fn paste(&self, text: &str) {
        self.terminal.paste(text);
        self.terminal.focus();
    }

    /// An empty terminal for a new shell.
    pub(super) fn reset(&self) {
        self.terminal.reset();
    }

    /// Looks for a text from the present place on. False: it is nowhere.
    pub(super) fn find(&self, text: &str, backwards: bool) -> bool {
        let options = object(&[]);
        if backwards {
            self.search.find_previous(text, &options)
        } else {
            self.search.find_next(text, &options)
        }
    }

    pub(super) fn apply(&self, settings: Settings) {
        xterm::set_option(&self.terminal, "fontSize", &settings.font_px.into());
        xterm::set_option(&self.terminal, "screenReaderMode", &settings.reader.into());
        self.fit.fit();
    }

    /// Takes the colours of the theme that is now.
    pub(super) fn recolour(&self) {
        xterm::set_option(&self.terminal, "theme", &palette::theme(&self.host));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
        self.terminal.dispose();
    }
}

fn size(terminal: &Terminal) -> Size {
    Size {
        columns: terminal.cols(),
        rows: terminal.rows(),
    }
}

fn options(
    host: &HtmlElement,
    settings: Settings,
    hear: &Hear,
    functions: &mut Vec<JsValue>,
) -> JsValue {
    let activate = on_link(hear, true);
    let link_handler = object(&[
        ("activate", activate.clone()),
        ("allowNonHttpProtocols", false.into()),
    ]);
    functions.push(activate);
    object(&[
        ("fontSize", settings.font_px.into()),
        (
            "fontFamily",
            "'JetBrains Mono Variable', ui-monospace, monospace".into(),
        ),
        ("lineHeight", 1.15.into()),
        ("screenReaderMode", settings.reader.into()),
        ("theme", palette::theme(host)),
        // Whatever colours a program chooses, its text can be read.
        ("minimumContrastRatio", 4.5.into()),
        ("scrollback", SCROLLBACK_LINES.into()),
        ("cursorBlink", false.into()),
        ("cursorInactiveStyle", "outline".into()),
        ("macOptionIsMeta", true.into()),
        ("rightClickSelectsWord", true.into()),
        ("linkHandler", link_handler.into()),
        // None: no report of titles or sizes, no windows moved (S43).
        ("windowOptions", object(&[]).into()),
        ("logLevel", "off".into()),
    ])
    .into()
}

fn listen(terminal: &Terminal, hear: &Hear, functions: &mut Vec<JsValue>) {
    let mut keep = |function: JsValue| -> Function {
        functions.push(function.clone());
        function.unchecked_into()
    };
    let tell = Rc::clone(hear);
    let text = Closure::<dyn Fn(String)>::new(move |text| tell(Heard::Typed(Typed::Text(text))));
    terminal.on_data(&keep(text.into_js_value()));
    let tell = Rc::clone(hear);
    let binary = Closure::<dyn Fn(String)>::new(move |text| {
        tell(Heard::Typed(Typed::Binary(text)));
    });
    terminal.on_binary(&keep(binary.into_js_value()));
    let tell = Rc::clone(hear);
    let title = Closure::<dyn Fn(String)>::new(move |text| tell(Heard::Title(text)));
    terminal.on_title(&keep(title.into_js_value()));
    let tell = Rc::clone(hear);
    let bell = Closure::<dyn Fn()>::new(move || tell(Heard::Bell));
    terminal.on_bell(&keep(bell.into_js_value()));
    let (tell, of) = (Rc::clone(hear), terminal.clone());
    let selected = Closure::<dyn Fn()>::new(move || tell(Heard::Selected(of.has_selection())));
    terminal.on_selection(&keep(selected.into_js_value()));
    let (tell, of) = (Rc::clone(hear), terminal.clone());
    let resized = Closure::<dyn Fn()>::new(move || tell(Heard::Resized(size(&of))));
    terminal.on_resize(&keep(resized.into_js_value()));
    let tell = Rc::clone(hear);
    let key = Closure::<dyn Fn(KeyboardEvent) -> bool>::new(move |event| take_key(&event, &tell));
    terminal.on_key(&keep(key.into_js_value()));
    let refuse = keep(Closure::<dyn Fn(String) -> bool>::new(|_| true).into_js_value());
    for number in REFUSED_OSC {
        terminal.parser().on_osc(number, &refuse);
    }
}

/// False: the terminal leaves the key alone.
fn take_key(event: &KeyboardEvent, hear: &Hear) -> bool {
    let key = event.key();
    let press = Press {
        key: &key,
        ctrl: event.ctrl_key(),
        shift: event.shift_key(),
        alt: event.alt_key(),
        meta: event.meta_key(),
    };
    match chord(press) {
        None => true,
        // The browser pastes by itself, without asking for permission.
        Some(Chord::Paste) => false,
        Some(chord) => {
            event.prevent_default();
            if event.type_() == "keydown" {
                hear(Heard::Chord(chord));
            }
            false
        }
    }
}

fn on_link(hear: &Hear, named: bool) -> JsValue {
    let tell = Rc::clone(hear);
    Closure::<dyn Fn(JsValue, String)>::new(move |_, address: String| {
        if is_web(&address) {
            tell(Heard::Link { address, named });
        }
    })
    .into_js_value()
}

/// Follows the size of `host`; a host that is not shown has none.
fn observe(
    host: &HtmlElement,
    fit: &FitAddon,
    functions: &mut Vec<JsValue>,
) -> Option<ResizeObserver> {
    let (host_now, fit) = (host.clone(), fit.clone());
    let resized = Closure::<dyn Fn()>::new(move || {
        if host_now.client_width() > 0 && host_now.client_height() > 0 {
            fit.fit();
        }
    })
    .into_js_value();
    let observer = ResizeObserver::new(resized.unchecked_ref()).ok()?;
    observer.observe(host);
    functions.push(resized);
    Some(observer)
}

/// The terminal measures its letters once: they must be there. A font that does not come is done
/// without.
async fn load_font(font_px: u16) {
    let font = format!("{font_px}px 'JetBrains Mono Variable'");
    if let Some(document) = document() {
        let _ = JsFuture::from(document.fonts().load(&font)).await;
    }
}
