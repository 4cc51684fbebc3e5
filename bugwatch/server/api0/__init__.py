"""`/api/0`: what Sentry's build tools talk to, sentry-cli and the bundlers' plugins (PROTOCOL §2)."""
