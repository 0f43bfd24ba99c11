//! Bindings to xterm.js 6 and its addons, as far as they are used.
//!
//! `public/boot.js` knows where the library is; `vendor/terminal.js` is what is loaded.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement, HtmlTextAreaElement};

#[wasm_bindgen]
extern "C" {
    /// Imports the library. A failed import stays failed until the page is loaded anew.
    #[wasm_bindgen(js_namespace = aditLibraries, js_name = terminal, catch)]
    pub(super) fn import() -> Result<Promise, JsValue>;

    /// <https://xtermjs.org/docs/api/terminal/classes/terminal/>
    #[derive(Clone)]
    pub(super) type Terminal;

    #[wasm_bindgen(method)]
    pub(super) fn open(this: &Terminal, parent: &HtmlElement);
    #[wasm_bindgen(method, js_name = loadAddon)]
    pub(super) fn load_addon(this: &Terminal, addon: &JsValue);
    #[wasm_bindgen(method)]
    pub(super) fn dispose(this: &Terminal);
    #[wasm_bindgen(method)]
    pub(super) fn focus(this: &Terminal);
    #[wasm_bindgen(method)]
    pub(super) fn reset(this: &Terminal);
    #[wasm_bindgen(method)]
    pub(super) fn clear(this: &Terminal);
    /// Draws later; `drawn` is called when all of it is.
    #[wasm_bindgen(method)]
    pub(super) fn write(this: &Terminal, bytes: &Uint8Array, drawn: &Function);
    #[wasm_bindgen(method)]
    pub(super) fn paste(this: &Terminal, text: &str);
    /// As if it had been typed.
    #[wasm_bindgen(method)]
    pub(super) fn input(this: &Terminal, text: &str, by_user: bool);
    #[wasm_bindgen(method, js_name = scrollLines)]
    pub(super) fn scroll_lines(this: &Terminal, lines: i32);
    #[wasm_bindgen(method, js_name = getSelection)]
    pub(super) fn selection(this: &Terminal) -> String;
    #[wasm_bindgen(method, js_name = hasSelection)]
    pub(super) fn has_selection(this: &Terminal) -> bool;
    #[wasm_bindgen(method, js_name = clearSelection)]
    pub(super) fn clear_selection(this: &Terminal);
    #[wasm_bindgen(method, js_name = selectAll)]
    pub(super) fn select_all(this: &Terminal);
    #[wasm_bindgen(method)]
    pub(super) fn select(this: &Terminal, column: i32, row: i32, length: i32);
    #[wasm_bindgen(method, getter)]
    pub(super) fn cols(this: &Terminal) -> u16;
    #[wasm_bindgen(method, getter)]
    pub(super) fn rows(this: &Terminal) -> u16;
    #[wasm_bindgen(method, getter)]
    pub(super) fn element(this: &Terminal) -> Option<Element>;
    #[wasm_bindgen(method, getter)]
    pub(super) fn textarea(this: &Terminal) -> Option<HtmlTextAreaElement>;
    #[wasm_bindgen(method, getter)]
    pub(super) fn options(this: &Terminal) -> Object;
    #[wasm_bindgen(method, getter)]
    pub(super) fn modes(this: &Terminal) -> Modes;
    #[wasm_bindgen(method, getter)]
    pub(super) fn parser(this: &Terminal) -> Parser;
    #[wasm_bindgen(method, getter)]
    pub(super) fn buffer(this: &Terminal) -> Buffers;
    #[wasm_bindgen(method, js_name = attachCustomKeyEventHandler)]
    pub(super) fn on_key(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = onData)]
    pub(super) fn on_data(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = onBinary)]
    pub(super) fn on_binary(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = onResize)]
    pub(super) fn on_resize(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = onTitleChange)]
    pub(super) fn on_title(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = onBell)]
    pub(super) fn on_bell(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = onSelectionChange)]
    pub(super) fn on_selection(this: &Terminal, handler: &Function);

    pub(super) type Modes;
    #[wasm_bindgen(method, getter, js_name = bracketedPasteMode)]
    pub(super) fn bracketed_paste(this: &Modes) -> bool;
    #[wasm_bindgen(method, getter, js_name = applicationCursorKeysMode)]
    pub(super) fn application_cursor_keys(this: &Modes) -> bool;

    /// `none`, or what the program in the shell wants to know of the mouse.
    #[wasm_bindgen(method, getter, js_name = mouseTrackingMode)]
    pub(super) fn mouse_tracking(this: &Modes) -> String;

    pub(super) type Parser;
    #[wasm_bindgen(method, js_name = registerOscHandler)]
    pub(super) fn on_osc(this: &Parser, number: u16, handler: &Function);

    pub(super) type Buffers;
    #[wasm_bindgen(method, getter)]
    pub(super) fn active(this: &Buffers) -> Buffer;
    pub(super) type Buffer;
    /// `normal`, or `alternate`: a program has the whole screen.
    #[wasm_bindgen(method, getter, js_name = type)]
    pub(super) fn kind(this: &Buffer) -> String;
    /// The line of the buffer that is the first shown.
    #[wasm_bindgen(method, getter, js_name = viewportY)]
    pub(super) fn first_shown(this: &Buffer) -> i32;
    #[wasm_bindgen(method, js_name = getLine)]
    pub(super) fn line(this: &Buffer, row: i32) -> Option<Line>;
    pub(super) type Line;
    #[wasm_bindgen(method, js_name = translateToString)]
    pub(super) fn text(this: &Line, trimmed: bool) -> String;

    #[derive(Clone)]
    pub(super) type FitAddon;
    #[wasm_bindgen(method)]
    pub(super) fn fit(this: &FitAddon);

    #[derive(Clone)]
    pub(super) type SearchAddon;
    #[wasm_bindgen(method, js_name = findNext)]
    pub(super) fn find_next(this: &SearchAddon, text: &str, options: &Object) -> bool;
    #[wasm_bindgen(method, js_name = findPrevious)]
    pub(super) fn find_previous(this: &SearchAddon, text: &str, options: &Object) -> bool;
}

/// Makes a `new library.name(...arguments)`.
pub(super) fn construct(
    library: &JsValue,
    name: &str,
    arguments: &[&JsValue],
) -> Result<JsValue, JsValue> {
    let class: Function = Reflect::get(library, &name.into())?.dyn_into()?;
    let all = Array::new();
    for argument in arguments {
        all.push(argument);
    }
    Reflect::construct(&class, &all)
}

/// A plain object with these entries.
pub(super) fn object(entries: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in entries {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}

/// Sets one of the terminal's options.
pub(super) fn set_option(terminal: &Terminal, name: &str, value: &JsValue) {
    // All names are written in this crate: each is an option.
    let _ = Reflect::set(&terminal.options(), &name.into(), value);
}
