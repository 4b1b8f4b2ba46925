//! The control plane's shell: sessions, the reconcile loop, rendering, forwarding.
