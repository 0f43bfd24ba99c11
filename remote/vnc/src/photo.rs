//! JPEGs, decoded by the browser: many at once, on threads of its own.

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageBitmap, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use crate::canvas::context;
use crate::desk::scope;
use crate::rfb::Jpeg;

/// Where what was decoded is drawn to be read.
pub(crate) struct Easel {
    canvas: OffscreenCanvas,
    context: OffscreenCanvasRenderingContext2d,
}

impl Easel {
    /// # Errors
    /// The browser gives no context.
    pub(crate) fn new() -> Result<Self, JsValue> {
        let canvas = OffscreenCanvas::new(1, 1)?;
        let options = Object::new();
        Reflect::set(&options, &"alpha".into(), &false.into())?;
        // It is never seen: it stays where reading costs little.
        Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
        let context = context(&canvas, &options)?;
        Ok(Self { canvas, context })
    }

    /// Red, green, blue and alpha of each pixel.
    ///
    /// # Errors
    /// The browser cannot decode it, or refused.
    pub(crate) async fn pixels(&self, jpeg: Jpeg) -> Result<Vec<u8>, JsValue> {
        let (width, height) = (u32::from(jpeg.width), u32::from(jpeg.height));
        let bitmap = bitmap(&jpeg.bytes).await?;
        let is_right = (bitmap.width(), bitmap.height()) == (width, height);
        let pixels = if is_right {
            self.read(&bitmap, width, height)
        } else {
            Err(JsValue::from_str("another size than its header said"))
        };
        bitmap.close();
        pixels
    }

    fn read(&self, bitmap: &ImageBitmap, width: u32, height: u32) -> Result<Vec<u8>, JsValue> {
        // To set a size clears it all, so only where that must be.
        if self.canvas.width() < width {
            self.canvas.set_width(width);
        }
        if self.canvas.height() < height {
            self.canvas.set_height(height);
        }
        self.context
            .draw_image_with_image_bitmap(bitmap, 0.0, 0.0)?;
        let picture = self
            .context
            .get_image_data(0.0, 0.0, width.into(), height.into())?;
        Ok(picture.data().0)
    }
}

async fn bitmap(bytes: &[u8]) -> Result<ImageBitmap, JsValue> {
    let scope = scope().ok_or_else(|| JsValue::from_str("no Worker"))?;
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))?;
    let decoded = scope.create_image_bitmap_with_blob(&blob)?;
    JsFuture::from(decoded).await?.dyn_into()
}
