# The few commands one needs. Programs are static and therefore built in target/<host triple>/;
# `make build` puts them where one looks for them, target/release/.

PREFIX ?= /usr/local
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
TRIPLE := $(shell rustc -vV | sed -n 's/^host: //p')
# What `version` says of the build; empty outside a git checkout.
export CORTEN_COMMIT ?= $(shell git rev-parse --short=7 HEAD 2>/dev/null)
export CORTEN_BUILT ?= $(shell TZ=UTC git log -1 --date=iso-strict-local --format=%cd 2>/dev/null)
PROGRAMS := corten cortend corten-shim corten-runtime corten-init

.PHONY: build run test bench install

build:
	cargo build --release --bins -p corten-cli -p corten-daemon -p corten-shim -p corten-runtime
	@mkdir -p $(TARGET_DIR)/release
	@for program in $(PROGRAMS); do \
		cp -f $(TARGET_DIR)/$(TRIPLE)/release/$$program $(TARGET_DIR)/release/.$$program.new && \
		mv -f $(TARGET_DIR)/release/.$$program.new $(TARGET_DIR)/release/$$program || exit 1; done

run:
	@scripts/setup
	@$(MAKE) --no-print-directory build
	@scripts/run $(TARGET_DIR)/release

test:
	@scripts/setup
	@scripts/test-images
	@scripts/test

bench:
	@scripts/setup
	@scripts/test-images
	@$(MAKE) --no-print-directory build
	@scripts/bench

install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(TARGET_DIR)/release/,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/
