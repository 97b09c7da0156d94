# SPDX-License-Identifier: GPL-2.0
"""Sphinx: the manual."""

project = 'virtlite'
author = 'the virtlite authors'
project_copyright = '%Y, the virtlite authors'
extensions = []
source_suffix = '.rst'
master_doc = 'index'
highlight_language = 'none'
exclude_patterns = ['_build']
html_theme = 'alabaster'
html_show_sphinx = False
