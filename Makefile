# SPDX-License-Identifier: GPL-2.0
# The user's door. "make help" says what there is.

KERNEL ?= 6.12
BUILD := $(CURDIR)/build

.PHONY: all modules tools selftests clean help

all: modules tools

modules:
	@scripts/build-modules $(KERNEL)

tools:
	@$(if $(wildcard tools/Makefile),$(MAKE) --no-print-directory -C tools OUT=$(BUILD)/tools)

selftests:
	@$(if $(wildcard selftests/Makefile),$(MAKE) --no-print-directory -C selftests OUT=$(BUILD)/selftests)

clean:
	rm -rf $(BUILD)
