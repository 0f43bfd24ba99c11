//! JPEGs, decoded by the browser: many at once, on threads of its own.

use std::cell::Cell;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageBitmap, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use crate::canvas::context;
use crate::desk::scope;
use crate::rfb::{Jpeg, PIXEL_BYTES};

/// Decodes by WebCodecs, a third of a millisecond for a tile. Where that is missing (Safari, a page
/// that came without TLS), by way of a `Blob` and a canvas: a whole one.
pub(crate) struct Darkroom {
    lacks_codecs: Cell<bool>,
    easel: Easel,
}

impl Darkroom {
    /// # Errors
    /// The browser gives no canvas.
    pub(crate) fn new() -> Result<Self, JsValue> {
        let has_codecs = Reflect::has(&js_sys::global(), &"ImageDecoder".into())?;
        Ok(Self {
            lacks_codecs: Cell::new(!has_codecs),
            easel: Easel::new()?,
        })
    }

    /// Red, green, blue and anything of each pixel.
    ///
    /// # Errors
    /// The browser cannot decode it.
    pub(crate) async fn pixels(&self, jpeg: Jpeg) -> Result<Vec<u8>, JsValue> {
        if !self.lacks_codecs.get() {
            match decode(&jpeg).await {
                Ok(pixels) => return Ok(pixels),
                // A picture that is broken is so for the other way too.
                Err(_) => self.lacks_codecs.set(true),
            }
        }
        self.easel.pixels(&jpeg).await
    }
}

#[wasm_bindgen]
extern "C" {
    /// Of WebCodecs, which `web-sys` has as unstable.
    type ImageDecoder;

    #[wasm_bindgen(constructor, catch)]
    fn new(options: &Object) -> Result<ImageDecoder, JsValue>;

    #[wasm_bindgen(method)]
    fn decode(this: &ImageDecoder) -> Promise;

    #[wasm_bindgen(method)]
    fn close(this: &ImageDecoder);

    /// A decoded picture.
    type VideoFrame;

    #[wasm_bindgen(method, getter, js_name = displayWidth)]
    fn width(this: &VideoFrame) -> u32;

    #[wasm_bindgen(method, getter, js_name = displayHeight)]
    fn height(this: &VideoFrame) -> u32;

    #[wasm_bindgen(method, catch, js_name = copyTo)]
    fn copy_to(this: &VideoFrame, to: &Uint8Array, options: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method)]
    fn close(this: &VideoFrame);
}

async fn decode(jpeg: &Jpeg) -> Result<Vec<u8>, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"type".into(), &"image/jpeg".into())?;
    Reflect::set(&options, &"data".into(), &Uint8Array::from(&jpeg.bytes[..]))?;
    let decoder = ImageDecoder::new(&options)?;
    let decoded = JsFuture::from(decoder.decode()).await;
    decoder.close();
    let frame = Reflect::get(&decoded?, &"image".into())?.unchecked_into::<VideoFrame>();
    let pixels = read(&frame, jpeg).await;
    frame.close();
    pixels
}

async fn read(frame: &VideoFrame, jpeg: &Jpeg) -> Result<Vec<u8>, JsValue> {
    let (width, height) = (u32::from(jpeg.width), u32::from(jpeg.height));
    if (frame.width(), frame.height()) != (width, height) {
        return Err(JsValue::from_str("another size than its header said"));
    }
    let options = Object::new();
    Reflect::set(&options, &"format".into(), &"RGBX".into())?;
    // No view of this module's memory, which may move while this waits.
    let pixels = Uint8Array::new_with_length(width * height * PIXEL_BYTES as u32);
    JsFuture::from(frame.copy_to(&pixels, &options)?).await?;
    Ok(pixels.to_vec())
}

/// Where what was decoded is drawn to be read.
struct Easel {
    canvas: OffscreenCanvas,
    context: OffscreenCanvasRenderingContext2d,
}

impl Easel {
    fn new() -> Result<Self, JsValue> {
        let canvas = OffscreenCanvas::new(1, 1)?;
        let options = Object::new();
        Reflect::set(&options, &"alpha".into(), &false.into())?;
        // It is never seen: it stays where reading costs little.
        Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
        let context = context(&canvas, &options)?;
        Ok(Self { canvas, context })
    }

    async fn pixels(&self, jpeg: &Jpeg) -> Result<Vec<u8>, JsValue> {
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
