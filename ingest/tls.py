"""TLS to the broker."""

from __future__ import annotations

import ssl

from ingest.options import BrokerOptions


def tls_context(options: BrokerOptions) -> ssl.SSLContext:
    """The TLS settings of one broker: its CA, and our certificate where one is given.

    Raises OSError or ssl.SSLError where a file cannot be read.
    """
    context = ssl.create_default_context(cafile=options.ca_file)
    if options.cert_file:
        context.load_cert_chain(options.cert_file, options.key_file)
    return context
