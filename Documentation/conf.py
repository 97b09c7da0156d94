# SPDX-License-Identifier: GPL-2.0
"""Sphinx: the manual."""

import os
import sys

project = 'virtlite'
author = 'the virtlite authors'
project_copyright = '%Y, the virtlite authors'
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
extensions = ['kdoc']
source_suffix = '.rst'
master_doc = 'index'
highlight_language = 'none'
exclude_patterns = ['_build']
html_theme = 'alabaster'
html_show_sphinx = False
