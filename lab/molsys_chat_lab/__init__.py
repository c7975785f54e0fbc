"""What maintainers and sysadmins run beside the service, which never imports it."""
