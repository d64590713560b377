"""What the browser runs: ES modules and style sheets, and their way to it. Knows no component."""
