# SPDX-License-Identifier: GPL-2.0
# The user's door. "make help" says what there is.

KERNEL ?= 6.12
BED ?= auto
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := $(CURDIR)/build

# What somebody gave on the command line or in the environment, for programs
# that have defaults of their own.
given = $(if $(filter undefined file default,$(origin $(1))),,$(1)='$($(1))')

.PHONY: all deps modules tools selftests demo check bench lint docs install uninstall \
	headers_install modules_install dkms_install clean help

all: modules tools

deps:
	@scripts/deps

modules: deps
	@scripts/build-modules $(KERNEL)

tools: deps
	@$(if $(wildcard tools/Makefile),+$(MAKE) --no-print-directory -C tools OUT=$(BUILD)/tools)

selftests: deps
	@$(if $(wildcard selftests/Makefile),+$(MAKE) --no-print-directory -C selftests OUT=$(BUILD)/selftests)

demo: deps
	@scripts/demo --bed '$(BED)' $(if $(ACT),--act '$(ACT)')

check: deps
	@env $(call given,KERNEL) $(call given,BED) $(call given,K) scripts/check

bench: deps
	@env $(call given,KERNEL) $(call given,BED) bench/all '$(COMPARE)'

lint: deps
	@scripts/lint

docs:
	@scripts/deps docs
	@sphinx-build -q -W --keep-going -b html Documentation $(BUILD)/docs
	@echo "the manual is in $(BUILD)/docs/index.html"

# On a real machine, or below DESTDIR. Modules are for the running kernel, if its headers
# are there, or for the KERNEL that is asked for.
place = env PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' $(call given,KERNEL) scripts/install

install: tools
	@$(place) files modules

modules_install: deps
	@$(place) modules

headers_install:
	install -d '$(DESTDIR)$(PREFIX)/include/virtlite'
	install -m 644 uapi/virtlite/*.h '$(DESTDIR)$(PREFIX)/include/virtlite'

dkms_install:
	@$(place) dkms

uninstall:
	@$(place) remove

clean:
	rm -rf $(BUILD)

help:
	@echo 'make demo              Linux in a guest of kvmlite, in an emulated machine; then the'
	@echo '                       whole: two guests, a container, switch, disks, GPU'
	@echo '  BED=bochs|qemu       Intel VT-x with EPT, or AMD SVM with NPT (default: the quicker)'
	@echo '  ACT=1|2              only the guest with its console, only the whole'
	@echo 'make check             all tests; the last line counts them'
	@echo '  K=pattern            only those whose name has it: K=qemu/6.12/kvmlite'
	@echo '  KERNEL="6.1 6.12"    boot these: 6.12 6.12-debug 6.1 6.1-debug stock-6.1 stock-6.12'
	@echo '  BED=qemu|bochs       boot only there'
	@echo '  LONG=1               the long versions of the tests, too'
	@echo 'make bench             compare with what does the same, in one boot each, and report it'
	@echo '  COMPARE=bench.json   say what moved since that report, too'
	@echo 'make lint              checkpatch, sparse, headers on their own, shellcheck'
	@echo 'make [all]             modules and tools; KERNEL=host for the running kernel'
	@echo 'make install           modules, tools and headers on this machine (PREFIX=, DESTDIR=)'
	@echo 'make dkms_install      the modules'"'"' sources for DKMS'
	@echo 'make uninstall         what these two have installed'
	@echo 'make docs              the manual as HTML'
	@echo 'make clean             remove build/ (kernels stay in ~/.cache/virtlite)'
	@echo
	@echo 'scripts/testbed/run    run any command on a test kernel: --help says how'
