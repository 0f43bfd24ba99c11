//! The picture on the page's canvas.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, FileReaderSync, ImageData, OffscreenCanvas, OffscreenCanvasRenderingContext2d,
};

use crate::rfb::{Cursor, Rect, Screen};

pub(crate) struct Canvas {
    canvas: OffscreenCanvas,
    context: OffscreenCanvasRenderingContext2d,
}

impl Canvas {
    /// # Errors
    /// The browser gives no context.
    pub(crate) fn new(canvas: OffscreenCanvas) -> Result<Self, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"alpha".into(), &false.into())?;
        Reflect::set(&options, &"desynchronized".into(), &true.into())?;
        let context = context(&canvas, &options)?;
        Ok(Self { canvas, context })
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.canvas.set_width(width.into());
        self.canvas.set_height(height.into());
    }

    /// Puts what has changed on the canvas: a view of this module's memory, not a copy.
    ///
    /// # Errors
    /// The browser refused.
    pub(crate) fn draw(&self, screen: &mut Screen) -> Result<(), JsValue> {
        let dirty = screen.take_dirty();
        if dirty.is_empty() {
            return Ok(());
        }
        let (width, height) = screen.size();
        let picture = ImageData::new_with_u8_clamped_array_and_sh(
            Clamped(screen.pixels()),
            width.into(),
            height.into(),
        )?;
        for Rect {
            x,
            y,
            width,
            height,
        } in dirty
        {
            self.context
                .put_image_data_with_dirty_x_and_dirty_y_and_dirty_width_and_dirty_height(
                    &picture,
                    0.0,
                    0.0,
                    x.into(),
                    y.into(),
                    width.into(),
                    height.into(),
                )?;
        }
        Ok(())
    }

    /// The picture of now as a PNG.
    ///
    /// # Errors
    /// The browser refused.
    pub(crate) async fn png(&self) -> Result<Uint8Array, JsValue> {
        let blob: Blob = JsFuture::from(self.canvas.convert_to_blob()?)
            .await?
            .dyn_into()?;
        let buffer = JsFuture::from(blob.array_buffer()).await?;
        Ok(Uint8Array::new(&buffer))
    }
}

/// A pointer's picture as a `data:` URL; `None` where it has none.
///
/// # Errors
/// The browser refused.
pub(crate) async fn cursor_url(cursor: &Cursor) -> Result<Option<String>, JsValue> {
    if cursor.width == 0 || cursor.height == 0 {
        return Ok(None);
    }
    let (width, height) = (cursor.width.into(), cursor.height.into());
    let canvas = OffscreenCanvas::new(width, height)?;
    let context = context(&canvas, &Object::new())?;
    let picture =
        ImageData::new_with_u8_clamped_array_and_sh(Clamped(&cursor.pixels), width, height)?;
    context.put_image_data(&picture, 0.0, 0.0)?;
    let blob: Blob = JsFuture::from(canvas.convert_to_blob()?)
        .await?
        .dyn_into()?;
    FileReaderSync::new()?.read_as_data_url(&blob).map(Some)
}

/// # Errors
/// The browser gives none.
pub(crate) fn context(
    canvas: &OffscreenCanvas,
    options: &Object,
) -> Result<OffscreenCanvasRenderingContext2d, JsValue> {
    canvas
        .get_context_with_context_options("2d", options)?
        .ok_or_else(|| JsValue::from_str("no context"))?
        .dyn_into()
        .map_err(JsValue::from)
}
