//! One connection that is carried, both ways.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::pump::{End, Pump};
use crate::weather::{Direction, Totals, Weather};
use crate::{Settings, reset};

pub(crate) struct Connection {
    pub(crate) weather: watch::Receiver<Weather>,
    pub(crate) totals: Arc<Totals>,
    pub(crate) settings: Settings,
}

impl Connection {
    /// Carries it to its end.
    pub(crate) async fn carry(mut self, near: TcpStream, to: String) {
        let born = self.weather.borrow().clone();
        self.totals.live.fetch_add(1, Ordering::Relaxed);
        let end = self.carry_both(&near, &born, to).await;
        if end == End::Cut {
            reset(&near);
            self.totals.cut.fetch_add(1, Ordering::Relaxed);
        }
        self.totals.live.fetch_sub(1, Ordering::Relaxed);
    }

    async fn carry_both(&mut self, near: &TcpStream, born: &Weather, to: String) -> End {
        // In the dark nobody learns of a connection.
        let waited = self
            .weather
            .wait_for(|weather| !weather.stalls || weather.cuts != born.cuts)
            .await
            .map(|weather| weather.cuts == born.cuts);
        if !waited.unwrap_or(false) {
            return End::Cut;
        }
        let Ok(far) = self.settings.connect(&to).await else {
            return End::Cut;
        };
        let _ = near.set_nodelay(true);
        let _ = far.set_nodelay(true);
        let mut up = self.pump(near, &far, Direction::Up, born);
        let mut down = self.pump(&far, near, Direction::Down, born);
        let (up, down) = (up.run(), down.run());
        tokio::pin!(up, down);
        let end = tokio::select! {
            end = &mut up => if end == End::Finished { down.await } else { end },
            end = &mut down => if end == End::Finished { up.await } else { end },
        };
        if end == End::Cut {
            reset(&far);
        }
        end
    }

    fn pump<'a>(
        &self,
        from: &'a TcpStream,
        to: &'a TcpStream,
        direction: Direction,
        born: &Weather,
    ) -> Pump<'a> {
        let totals = Arc::clone(&self.totals);
        Pump::new(
            from,
            to,
            direction,
            self.weather.clone(),
            born.clone(),
            totals,
            self.settings.seed,
        )
    }
}
