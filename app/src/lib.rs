//! The web app: pages, components, state.
