"""What to say: rules, word classes, phrases and a site's overrides, read from YAML and checked."""
