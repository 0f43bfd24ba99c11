//! What runs inside the process. A figure that only rises with the devices gone is a leak.

use std::fmt;

use tokio::runtime::Handle;

use super::Reading;

pub(super) fn read(reading: &mut Reading<'_>) -> fmt::Result {
    // Whoever asks outside of a runtime has no tasks to ask about.
    if let Ok(runtime) = Handle::try_current() {
        let tasks = runtime.metrics().num_alive_tasks();
        reading.gauge("tasks", "Tasks that have not ended", tasks)?;
    }
    Ok(())
}
