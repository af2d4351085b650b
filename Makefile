# The few commands one needs. Programs are static and therefore built in target/<host triple>/;
# `make build` puts them where one looks for them, target/release/.

export PREFIX ?= /usr/local
export DESTDIR
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
TRIPLE := $(shell rustc -vV | sed -n 's/^host: //p')
# What `version` says of the build; empty outside a git checkout.
export CORTEN_COMMIT ?= $(shell git rev-parse --short=7 HEAD 2>/dev/null)
export CORTEN_BUILT ?= $(shell TZ=UTC git log -1 --date=iso-strict-local --format=%cd 2>/dev/null)
PROGRAMS := corten cortend corten-shim corten-runtime corten-init

.PHONY: build run test bench install uninstall deb

build:
	cargo build --release --bins -p corten-cli -p corten-daemon -p corten-shim -p corten-runtime
	@mkdir -p $(TARGET_DIR)/release
	@for program in $(PROGRAMS); do \
		cp -f $(TARGET_DIR)/$(TRIPLE)/release/$$program $(TARGET_DIR)/release/.$$program.new && \
		mv -f $(TARGET_DIR)/release/.$$program.new $(TARGET_DIR)/release/$$program || exit 1; done

run:
	@scripts/setup run
	@$(MAKE) --no-print-directory build
	@scripts/run $(TARGET_DIR)/release

test:
	@scripts/setup
	@scripts/test-images
	@scripts/test

bench:
	@scripts/setup bench
	@scripts/test-images
	@$(MAKE) --no-print-directory build
	@scripts/bench

install: build
	@scripts/install put $(TARGET_DIR)/release

uninstall:
	@scripts/install remove

deb: build
	@scripts/deb $(TARGET_DIR)/release
