"""TLS to the broker."""

from __future__ import annotations

import ssl

from ingest.errors import OptionsError
from ingest.options import BrokerOptions


def tls_context(options: BrokerOptions) -> ssl.SSLContext:
    """The TLS settings of one broker: its CA, and our certificate where one is given.

    Raises OSError or ssl.SSLError where a file cannot be read.
    """
    context = ssl.create_default_context(cafile=options.ca_file)
    if options.cert_file:
        context.load_cert_chain(options.cert_file, options.key_file)
    return context


def check_tls(options: BrokerOptions) -> None:
    """Try the files once at the start. Raises OptionsError that names them."""
    if not options.tls:
        return
    try:
        tls_context(options)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(name for name in (options.ca_file, options.cert_file, options.key_file) if name)
        reason = getattr(error, "strerror", None) or str(error)
        raise OptionsError(
            f"BOROUGH_MQTT_CA_FILE, _CERT_FILE, _KEY_FILE: cannot use {files or 'the system certificates'}: {reason}"
        ) from None
