int tocsin_daemon_placeholder();
