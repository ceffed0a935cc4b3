# SPDX-License-Identifier: GPL-2.0-or-later
#
#	To use kfarm:
#	make                                        the programs, in build/
#	make nodes [NODE_HOSTS=]                    static kfarmds for nodes
#	make install | uninstall [DESTDIR=] [PREFIX=]
#	make deb [ARCHITECTURE=]                    Debian packages
#	make check [GROUPS=] [FULL=1]               the tests
#	make clean | help
#
#	To work on kfarm:
#	make [V=1] [WERROR=1] [SAN=address,undefined] [CC=]
#	make CROSS_COMPILE=aarch64-linux-gnu- [SYSROOT=build/debian/root/arm64]
#	make check-processors | check-threads | check-arm64 | emulated
#	make lint [STEPS=] | format
#	make fuzz [RUNS=] [PROPERTY_RUNS=] | soak [ROUNDS=] | audit [TREES=]
#	make faults [TIMES=] [FAULTS=] | kills [KILLS=] [ARGS=]
#	make kernels [ROWS=] [ARGS=]
#	make equality [CONFIGS=] [ARGS=] | reach [PROJECTS=] [SHARE=]
#	make shadow [STEPS=] [SEED=] [CONFIGS=] [ARGS=] | versions [COMMITS=]
#	make bench [BEFORE=DIR] | bench CONFIGURATIONS= [ROWS=] [ARGS=]
#	make simulate [FARMS=] | sched-runs | coverage [ROOM=] | door-churn
#	make cache-hits TREE=DIR [ARGS="toggles [N|OPTION=y,...] | bisect TREE | pairs [N] [SEED]"]
#	make cache-mutations [MUTATIONS=] [SEED=]
#	make distributions [RELEASES=] [PHASES=] [GROUPS=]
#	make diag-logs LOGS="FILE..." | mutants [MUTANTS=] [SEED=]
#	make shell-runs [SHELL_RUNS=] | configure-runs [SOURCES=]
#
# Objects and programs are in build/; a build with SAN= or CROSS_COMPILE= has
# its own directory below it.  A room's sources are found by wildcard.

ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
PKG_CONFIG ?= $(CROSS_COMPILE)pkg-config
# SYSROOT contains all libraries of another architecture.
ifneq ($(SYSROOT),)
override CC += --sysroot=$(abspath $(SYSROOT))
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(abspath $(SYSROOT)) PKG_CONFIG_LIBDIR=$(subst \
	$(empty) ,:,$(wildcard $(addprefix $(abspath $(SYSROOT))/usr/, \
	lib/*/pkgconfig share/pkgconfig))) pkg-config
endif
CLANG ?= clang
# The style guide is written for this version.
CLANG_FORMAT ?= clang-format-14
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
RUNS ?= 1000000
PROPERTY_RUNS ?= 100000

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all all-nodes check check-programs check-processors lint format fuzz \
	bench cache-hits soak faults equality reach audit nodes deb install uninstall clean \
	help FORCE
MAKEFLAGS += --no-builtin-rules

empty :=
comma := ,
space := $(empty) $(empty)

B := build
ifneq ($(CROSS_COMPILE),)
B := $B/cross-$(patsubst %-,%,$(notdir $(CROSS_COMPILE)))
endif
SAN_DIR := $B/san-address,undefined
FUZZ_DIR := $B/fuzz
CC_DIR := $B/cc
ifneq ($(SAN),)
B := $B/san-$(subst $(space),$(comma),$(SAN))
CC_DIR := $B/cc
endif

Q := $(if $(filter-out 0,$(V)),,@)
# $(call say,WORD): print a short line instead of the recipe's command.
say = @$(if $(Q),printf '  %-8s%s\n' '$1' '$(patsubst $(CURDIR)/%,%,$@)',:)

all: $B/kfarm $B/kfarmd $B/kfarm-cc $B/sh all-nodes

# Print the usage at the head of this file.
help:
	@sed -n 's/^#	//p;/^ifeq/q' $(firstword $(MAKEFILE_LIST))

# ---------------------------------------------------------------- flags

PACKAGES := libgit2 lzo2 libzstd openssl libevent_core jansson libarchive \
	libcurl zlib sqlite3
# Only kfarm is linked with this library, which ui/screen uses.
SCREEN_PACKAGES := ncursesw
ifneq ($(if $(MAKECMDGOALS),$(filter-out clean help lint format uninstall deb \
	scripts/%,$(MAKECMDGOALS)),all),)
missing := $(strip $(foreach p,$(PACKAGES) $(SCREEN_PACKAGES),$(shell \
	$(PKG_CONFIG) --exists $p 2>/dev/null || echo $p)))
ifneq ($(missing),)
$(error $(PKG_CONFIG) does not know: $(missing). \
	`scripts/packages install build` installs what Debian calls them)
endif
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES)) \
	$(shell $(PKG_CONFIG) --cflags-only-I $(SCREEN_PACKAGES))
PACKAGE_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lm
SCREEN_LIBS := $(shell $(PKG_CONFIG) --libs $(SCREEN_PACKAGES))
endif
# $(call screen_libs,ROOMS): the screen library if ui is one of the rooms.
screen_libs = $(if $(filter ui,$1),$(SCREEN_LIBS))
# Only the unit tests are linked with check.
CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check) -lpthread

# TAILQ_LAST() and TAILQ_PREV() of <sys/queue.h> read a link through the type of
# the list head, which violates the aliasing rules of C: gcc may move such a read
# before the insertion of an element.
DIALECT := -std=gnu17 -fno-strict-aliasing -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-Ikbuild-farm
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla $(if $(filter-out 0,$(WERROR)),-Werror)
# The static kfarmd omits functions that it does not call: libgit2, which some of
# them call, has no static library.
SECTIONS := -ffunction-sections -fdata-sections
HARDENING := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
HARDENED_LINK := -pie -Wl,-z,relro,-z,now

san_flags = -fsanitize=$1 -fno-sanitize-recover=all -fno-omit-frame-pointer
common := $(DIALECT) $(WARNINGS) $(PACKAGE_CFLAGS)
main_cflags := $(common) $(CFLAGS) $(SECTIONS) $(if $(SAN),-fPIE $(call \
	san_flags,$(SAN)),$(HARDENING))
main_ldflags := $(HARDENED_LINK) -Wl,--as-needed \
	$(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
san_cflags := $(common) -O1 -g1 -fPIE $(call san_flags,address$(comma)undefined)
san_ldflags := -pie -Wl,--as-needed -fsanitize=address,undefined $(LDFLAGS)
fuzz_cflags := $(common) -O1 -g -DNDEBUG \
	$(call san_flags,fuzzer-no-link$(comma)address$(comma)undefined)
fuzz_ldflags := -Wl,--as-needed -fsanitize=fuzzer,address,undefined $(LDFLAGS)

# The wrapper and the recipe shell start thousands of times in a build, so they
# are small and static, and linked with musl if it is installed: a static glibc
# takes 0.31 ms to start.
CC_STATIC := $(CC)
ifeq ($(SAN)$(CROSS_COMPILE),)
ifneq ($(shell command -v musl-gcc),)
CC_STATIC := musl-gcc
endif
endif
cc_cflags := $(DIALECT) $(WARNINGS) $(if $(SAN),$(CFLAGS) $(call \
	san_flags,$(SAN)),-Os -g -fno-pie -fstack-protector-strong \
	$(SECTIONS))
cc_ldflags := $(if $(SAN),-fsanitize=$(SAN),-static -no-pie -Wl,--gc-sections \
	-Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now)

# ---------------------------------------------------------------- rooms

# A room includes itself and the rooms in uses_ROOM, of which it may include the
# headers in public_ROOM; scripts/check-layers enforces both.  The rooms stand on
# six floors, listed bottom up in the order of HACKING.md.
#
# common
uses_base :=
public_base := arena args buf bytes child clock depfile dial digest elf err \
	file-stamp format fs heap json list log metrics map member outqueue pool \
	printable process process-usage random reason record replace socket \
	spawn spellcheck state-file str task terminal text-width url vec \
	version which work-timer
uses_conf := base
public_conf := conf locate scan schema
uses_wire := base
public_wire := cc codec field frame limits msg stream table
uses_tls := base wire
public_tls := clients dialer key session
uses_store := base
public_store := digest-cache packed-cache scratch-dir store
uses_events := base
public_events := client event hub reader server simulate text totals
#
# compilers
uses_options := base
public_options := allowlist command devicetree env probe probe-stamps rewrite
uses_gas := base
public_gas := gas
uses_cpp := base options gas
public_cpp := cpp
uses_compiler := base store options
public_compiler := bfd-plugins collector find host library manifest probe-deps
uses_fetch := base
public_fetch := checksums dir-listing download key session
uses_toolchain := base conf store compiler fetch
public_toolchain := adopt builtin catalog dir-digest hostlib install installed \
	link tool-name
uses_inputs := base wire store options cpp compiler
public_inputs := cross-tool fixdep fixdep-program manifest object-format path \
	rebuild tool toolchain
#
# node side
uses_machine := base wire
public_machine := cgroup health machine sys
uses_sandbox := base
public_sandbox := sandbox user
uses_kfarmd := base conf wire tls store options compiler toolchain machine \
	sandbox
public_kfarmd := input-update kfarmd listen native-toolchain neighbor session \
	settings status toolchains
#
# make side
uses_cc := base wire options
public_cc := call job
uses_shell := base wire cc
public_shell := make-env stats
#
# build host
uses_node := base conf wire tls sched
public_node := address duplicates entry import limits own-key pool roster \
	slot-limit transport-child
uses_peer := base wire tls store options compiler toolchain inputs node
public_peer := blob-upload canary canary-db conn native-toolchain peer \
	sandbox shared survey
uses_relay := base conf wire tls store compiler inputs machine sandbox kfarmd \
	node peer sched
public_relay := relay
uses_sched := base
public_sched := sched
uses_cache := base wire tls store options compiler fetch inputs node peer
public_cache := action cache key remote roots
uses_coord := base wire store events options compiler inputs node peer sched \
	cache
public_coord := coord report-events
uses_tree := base conf
public_tree := add bisect datadir dirty log refs rev-parse state update url \
	version worker worktree
uses_kconfig := base
public_kconfig := explain kconfig request suggest symbol
uses_diag := base
public_diag := compare line log
uses_history := base events
public_history := read recorder
uses_sim := base conf sched history
public_sim := farm jobs sim
uses_report := base events history
public_report := html json text trace
uses_kernel := base conf events options compiler toolchain machine shell node \
	peer cache coord tree kconfig diag history report
public_kernel := arch build builddir capacity cleanup compiler environ interactive \
	jobserver masquerade outdir reproducer rundir shell summary \
	target-outputs user-command
#
# user side
uses_ui := base events
public_ui := group model screen text view
uses_nightly := base conf events tree diag history report kernel
public_nightly := build-matrix child conf metrics notify report-text run send \
	store timer
uses_admin := base conf wire tls store compiler inputs node peer
public_admin := enrol profile remote-script tune verdict
uses_cli := base conf tls store events options cpp compiler fetch toolchain \
	inputs machine node peer cache coord tree kconfig history sim report \
	kernel ui nightly admin
ROOMS := $(patsubst uses_%,%,$(filter uses_%,$(.VARIABLES)))
# $(call reach,ROOMS): these rooms and all rooms that they use.
widen = $(sort $1 $(foreach r,$1,$(uses_$r)))
reach = $(call widen,$(call widen,$(call widen,$(call widen,$(call widen,$(call \
	widen,$(call widen,$1)))))))
sources = $(filter-out %/main.c,$(wildcard kbuild-farm/$1/*.c))

# Optimization of a unit test takes longer than its run.
quick = $(patsubst -O%,-O0,$(filter-out -D_FORTIFY_SOURCE=%,$1))

# $(call variant,DIR,COMPILER,FLAGS,LIST,LDFLAGS): objects and one archive per
# room.  DIR/flags, DIR/ldflags and DIR/sources change when the commands or the
# files do.
define variant
$1/obj/%.o: kbuild-farm/%.c $1/flags
	$$(call say,CC)
	$$Qmkdir -p $$(@D) && $2 $3 -MMD -MP -c -o $$@ $$<
$1/obj/tests/%.o: tests/%.c $1/flags
	$$(call say,CC)
	$$Qmkdir -p $$(@D) && $2 $3 -MMD -MP -c -o $$@ $$<
$1/obj/tests/unit/%.o: tests/unit/%.c $1/flags
	$$(call say,CC)
	$$Qmkdir -p $$(@D) && $2 $(call quick,$3) -MMD -MP -c -o $$@ $$<
$1/flags: FORCE
	$$(call remember,$2 $3)
$1/ldflags: FORCE
	$$(call remember,$2 $(subst $(comma),$$(comma),$5))
$1/sources: FORCE
	$$(call remember,$4)
# These objects embed the text of the files.
$1/obj/peer/canary-db.o: $(wildcard templates/canary/*)
$1/obj/admin/enrol.o: $(wildcard templates/enrol/* templates/systemd/*)
$1/obj/cli/complete.o: $(wildcard templates/completion/*)
$1/obj/cli/nodes-pools.o: $(wildcard templates/pool/*)
$1/obj/toolchain/builtin.o: $(wildcard toolchains/*.conf)
$1/obj/admin/profile.o: $(wildcard templates/boards/*.conf)
$1/obj/admin/tune.o: templates/tune/node.sh
-include $$(wildcard $1/obj/*/*.d $1/obj/tests/*/*.d)
endef
# Omit -Werror, which does not affect objects.
remember = $(call keep_line,$(filter-out -Werror,$1))
keep_line = @mkdir -p $(@D); printf '%s\n' '$1' | cmp -s - $@ || \
	printf '%s\n' '$1' >$@

# $(call archive,DIR,NAME,SOURCES)
define archive
$1/lib/$2.a: $(patsubst kbuild-farm/%.c,$1/obj/%.o,$3) $1/sources
	$$(call say,AR)
	$$Qmkdir -p $$(@D) && rm -f $$@ && \
		$(AR) rcs $$@ $$(filter %.o,$$^)
endef

room_sources := $(sort $(foreach r,$(ROOMS),$(call sources,$r)))
$(eval $(call variant,$B,$(CC),$(main_cflags),$(room_sources),$(main_ldflags)))
$(foreach r,$(ROOMS),$(eval $(call archive,$B,$r,$(call sources,$r))))
ifneq ($B,$(SAN_DIR))
$(eval $(call \
	variant,$(SAN_DIR),$(CC),$(san_cflags),$(room_sources),$(san_ldflags)))
$(foreach r,$(ROOMS),$(eval $(call archive,$(SAN_DIR),$r,$(call sources,$r))))
endif
$(eval $(call \
	variant,$(FUZZ_DIR),$(CLANG),$(fuzz_cflags),$(room_sources),$(fuzz_ldflags)))
$(foreach r,$(ROOMS),$(eval $(call archive,$(FUZZ_DIR),$r,$(call sources,$r))))

# ------------------------------------------------------------- programs

rooms = $(patsubst %,$1/lib/%.a,$2)
# Archives can refer to each other in both directions.
group = -Wl,--start-group $1 -Wl,--end-group

KFARM_ROOMS := $(call reach,cli)
KFARMD_ROOMS := $(call reach,relay)

$B/kfarm: $B/obj/cli/main.o $(call rooms,$B,$(KFARM_ROOMS))
$B/kfarmd: $B/obj/relay/main.o $(call rooms,$B,$(KFARMD_ROOMS))
$B/kfarm: more_libs = $(SCREEN_LIBS)
$B/kfarm $B/kfarmd: $B/flags $B/ldflags
	$(call say,LD)
	$Q$(CC) $(main_ldflags) -o $@ $(filter %.o,$^) \
		$(call group,$(filter %.a,$^)) $(PACKAGE_LIBS) $(more_libs) \
		-lpthread

# The tests of kfarmd under the sanitizers start this program.
ifneq ($B,$(SAN_DIR))
$(SAN_DIR)/kfarmd: $(SAN_DIR)/obj/relay/main.o \
		$(call rooms,$(SAN_DIR),$(KFARMD_ROOMS)) $(SAN_DIR)/ldflags
	$(call say,LD)
	$Q$(CC) $(san_ldflags) -o $@ $(filter %.o,$^) \
		$(call group,$(filter %.a,$^)) $(PACKAGE_LIBS) -lpthread
endif

# The sources of the wrapper and the recipe shell, with the parts of other rooms
# that need only libc.
CC_SOURCES := $(wildcard kbuild-farm/cc/*.c)
CC_LIBRARY := $(wildcard kbuild-farm/options/*.c) \
	$(patsubst %,kbuild-farm/wire/%.c,frame field cc) \
	$(patsubst %,kbuild-farm/base/%.c,arena bytes buf str vec depfile \
		printable which err clock elf file-stamp replace socket \
		state-file process-usage work-timer)
$(eval $(call \
	variant,$(CC_DIR),$(CC_STATIC),$(cc_cflags),$(CC_LIBRARY),$(cc_ldflags)))
$(eval $(call archive,$(CC_DIR),cc,$(CC_LIBRARY)))
SHELL_SOURCES := $(wildcard kbuild-farm/shell/*.c) \
	$(filter-out %/main.c,$(CC_SOURCES))
$B/kfarm-cc: $(CC_SOURCES:kbuild-farm/%.c=$(CC_DIR)/obj/%.o)
$B/sh: $(SHELL_SOURCES:kbuild-farm/%.c=$(CC_DIR)/obj/%.o)
$B/kfarm-cc $B/sh: $(CC_DIR)/lib/cc.a $(CC_DIR)/ldflags
	$(call say,LD)
ifneq ($(CC_STATIC),musl-gcc)
ifeq ($(SAN),)
	@echo "warning: $(@F) is made with $(CC) -static, not musl-gcc:" \
		"each start costs some 0.25 ms more" >&2
endif
endif
	$Q$(CC_STATIC) $(cc_ldflags) -o $@ $(filter %.o,$^) $(filter %.a,$^)

# ---------------------------------------------------------------- nodes

# kfarmd for nodes: static, because boards lack the libraries, and small.  The
# libraries are Debian's (scripts/packages install nodes).  Debian 12 does not
# support riscv64, so its libraries are built from Debian's sources.  "arm" is
# ARMv7 with an FPU, Debian's armhf.
NODE_HOSTS ?= x86_64 arm64 arm riscv64
node_x86_64 := x86_64-linux-gnu amd64
node_arm64 := aarch64-linux-gnu arm64
node_arm := arm-linux-gnueabihf armhf
node_riscv64 := riscv64-linux-gnu riscv64
node_dir = build/nodes/$1
# The build host's architecture; empty if $B contains programs for another
# architecture or programs with sanitizers.
own_triple := $(if $(SAN)$(CROSS_COMPILE),,$(shell $(CC) -dumpmachine))
own_host := $(foreach h,x86_64 arm64 arm riscv64,$(if $(filter \
	$(word 1,$(node_$h)),$(own_triple)),$h))
node_cc = $(word 1,$(node_$1))-gcc
# Empty for the architecture of the build host.
node_root = $(wildcard build/debian/root/$(word 2,$(node_$1)))
node_made := build/debian/root/riscv64
node_flags = $(if $(filter riscv64,$1),-isystem $(node_made)/include \
	-L$(node_made)/lib,$(patsubst %,--sysroot=%,$(call node_root,$1)))
# In later releases of Debian than 12, libcrypto.a needs zlib and zstd.
node_libraries = -levent_core -ljansson -llzo2 -lssl -lcrypto $(if $(wildcard \
	$(call node_root,$1)/usr/lib/$(word 1,$(node_$1))/libz.a),-lz) -lzstd -lm

# Omit sources that kfarmd does not use, because their headers are not installed
# for each architecture.
NODE_SOURCES := $(if $(filter nodes emulated build/nodes/%,$(MAKECMDGOALS)),$(shell \
	grep -LE '^.include <(git2|archive|curl/)' kbuild-farm/relay/main.c \
	$(foreach r,$(filter-out fetch,$(KFARMD_ROOMS)),$(call sources,$r))))
node_cflags := $(DIALECT) $(WARNINGS) -Os -fno-pie -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2 $(SECTIONS) -fno-asynchronous-unwind-tables
node_ldflags := -static -no-pie -s -Wl,--gc-sections -Wl,-z,relro,-z,now
# $(call link_node,COMMAND): print the linker's output only if it fails, because
# it warns of getaddrinfo() and dlopen() in libraries, which kfarmd does not call.
# Its option --no-warnings also suppresses errors: undefined symbols become 0.
link_node = { $1 2>$@.log || { cat $@.log >&2; false; }; } && rm $@.log

# $(call node,HOST)
define node
$(call variant,$(call node_dir,$1),$(call node_cc,$1),$(node_cflags) $(call \
	node_flags,$1),$(NODE_SOURCES),$(node_ldflags))
build/nodes/kfarmd-$1: $(NODE_SOURCES:kbuild-farm/%.c=$(call \
		node_dir,$1)/obj/%.o) $(addprefix $(call \
		node_dir,$1)/,flags ldflags sources)
	$$(call say,LD)
	$$Q$$(call link_node,$$(call node_cc,$1) $$(call node_flags,$1) \
		$$(node_ldflags) -o $$@ $$(filter %.o,$$^) $$(call \
		node_libraries,$1))
endef
$(foreach h,$(filter-out $(own_host),$(NODE_HOSTS)),$(eval $(call node,$h)))

# kfarmd for nodes of the build host's architecture.  `all` links this program
# from the objects of $B/kfarmd, if the static libraries are installed.
# pkg-config also names the libraries that the static ones need.
own_node := $(own_host:%=build/nodes/kfarmd-%)
ifneq ($(own_node),)
own_libraries := $(patsubst -l%,%,$(filter -l%,$(shell $(PKG_CONFIG) --static \
	--libs libevent_core jansson libzstd lzo2 openssl 2>/dev/null)))
$(own_node): $B/obj/relay/main.o $(call rooms,$B,$(KFARMD_ROOMS)) \
		$B/flags $B/ldflags
	$(call say,LD)
	$Qmkdir -p $(@D) && $(call link_node,$(CC) $(node_ldflags) -o $@ \
		$(filter %.o,$^) $(call group,$(filter %.a,$^)) \
		$(own_libraries:%=-l%) -lm)
ifeq ($(filter-out $(wildcard /usr/lib/$(own_triple)/lib*.a),$(patsubst \
	%,/usr/lib/$(own_triple)/lib%.a,$(own_libraries))),)
all-nodes: $(own_node)
endif
endif
ifneq ($(NODE_SOURCES),)
node_lacking := $(foreach h,$(filter-out riscv64,$(NODE_HOSTS)),$(if $(wildcard $(call \
	node_root,$h)/usr/lib/$(word 1,$(node_$h))/libssl.a),,$h))
ifneq ($(strip $(node_lacking)),)
$(error no static libraries for: $(strip $(node_lacking)). \
	`scripts/packages install build nodes` installs them on Debian; for \
	another system, run `make nodes` on Debian and copy build/nodes/kfarmd-*)
endif
endif
$(NODE_SOURCES:kbuild-farm/%.c=$(call node_dir,riscv64)/obj/%.o): \
	| $(node_made)/versions
$(node_made)/versions: scripts/node-libraries
	$< riscv64-linux-gnu $(@D)
# Update the time of a program that no change of the sources affects, because
# `install` warns of programs that are older than the sources.
nodes: $(NODE_HOSTS:%=build/nodes/kfarmd-%)
	$Qtouch $^

# ---------------------------------------------------------------- tests

# The line "needs: rooms" at the top of a test lists the rooms to link.
TESTS := $(wildcard tests/unit/check_*.c tests/fuzz/fuzz_*.c)
NEEDS := $(if $(TESTS),$(shell awk 'FNR == 1 { found = 0 } \
	FNR <= 20 && !found && sub(/.*needs:/, "") { \
		found = 1; sub(/\*\/.*/, ""); gsub(/[ \t,]+/, ","); \
		print FILENAME "=" $$0 }' $(TESTS)))
needs = $(call reach,base $(filter $(ROOMS),$(subst $(comma), ,$(patsubst \
	$1=%,%,$(filter $1=%,$(NEEDS))))))

# There are hundreds of tests.  lld needs half of gold's CPU time for each, and
# gold two thirds of bfd's.
lld := $(if $(CROSS_COMPILE),,$(shell command -v ld.lld))
gold := $(shell command -v $(CROSS_COMPILE)ld.gold)
test_ldflags := $(if $(lld),-fuse-ld=lld -Wl$(comma)--threads=1,\
	$(if $(gold),-fuse-ld=gold))

UNITS := $(patsubst tests/unit/%.c,%,$(filter tests/unit/%,$(TESTS)))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(filter tests/fuzz/%,$(TESTS)))

# $(call unit,DIR,NAME,LDFLAGS): a unit test linked in a variant.
define unit
$1/unit/$2: $1/obj/tests/unit/$2.o $1/obj/tests/lib/test-main.o \
		$1/ldflags $(call rooms,$1,$(call needs,tests/unit/$2.c))
	$$(call say,LD)
	$$Qmkdir -p $$(@D) && $(CC) $3 -o $$@ $$(filter %.o,$$^) \
		$$(call group,$$(filter %.a,$$^)) $(PACKAGE_LIBS) \
		$(call screen_libs,$(call needs,tests/unit/$2.c)) $$(CHECK_LIBS)
endef
# $(call replay,DIR,NAME,LDFLAGS): a fuzz target that replays files.
define replay
$1/replay/$2: $1/obj/tests/fuzz/$2.o \
		$1/obj/tests/fuzz/replay-main.o $1/ldflags \
		$(call rooms,$1,$(call needs,tests/fuzz/$2.c))
	$$(call say,LD)
	$$Qmkdir -p $$(@D) && $(CC) $3 -o $$@ $$(filter %.o,$$^) \
		$$(call group,$$(filter %.a,$$^)) $(PACKAGE_LIBS) \
		$(call screen_libs,$(call needs,tests/fuzz/$2.c)) -lpthread
endef
define fuzzer
$(FUZZ_DIR)/$1: $(FUZZ_DIR)/obj/tests/fuzz/$1.o $(FUZZ_DIR)/ldflags \
		$(call rooms,$(FUZZ_DIR),$(call needs,tests/fuzz/$1.c))
	$$(call say,LD)
	$$Q$(CLANG) $(fuzz_ldflags) -o $$@ $$(filter %.o,$$^) \
		$$(call group,$$(filter %.a,$$^)) $(PACKAGE_LIBS) \
		$(call screen_libs,$(call needs,tests/fuzz/$1.c)) -lpthread
endef
$(foreach t,$(UNITS),$(eval $(call unit,$B,$t,$(main_ldflags) $(test_ldflags))))
ifneq ($B,$(SAN_DIR))
$(foreach t,$(UNITS),$(eval $(call \
	unit,$(SAN_DIR),$t,$(san_ldflags) $(test_ldflags))))
endif
$(foreach t,$(FUZZERS),$(eval $(call \
	replay,$(SAN_DIR),$t,$(san_ldflags) $(test_ldflags))))
$(foreach t,$(FUZZERS),$(eval $(call fuzzer,$t)))

AUDIT_OBJECTS := $(patsubst %.c,$B/obj/%.o,$(wildcard tests/audit/*.c))
$B/audit-tool: $(AUDIT_OBJECTS) $(call rooms,$B,$(KFARM_ROOMS)) $B/flags
	$(call say,LD)
	$Q$(CC) $(main_ldflags) -o $@ $(filter %.o,$^) \
		$(call group,$(filter %.a,$^)) $(PACKAGE_LIBS) $(SCREEN_LIBS) \
		-lpthread

# Compares dash and $B/sh with random scripts.
$B/shell-compare: $(patsubst %,$B/obj/tests/shell/%.o,compare generate) \
		$(call rooms,$B,$(call reach,shell)) $B/ldflags
	$(call say,LD)
	$Q$(CC) $(main_ldflags) -o $@ $(filter %.o,$^) \
		$(call group,$(filter %.a,$^)) $(PACKAGE_LIBS) -lpthread

# Preloaded library that reports more processors than exist.
$B/processors.so: tests/lib/processors.c $B/flags
	$(call say,LD)
	$Q$(CC) $(WARNINGS) -D_GNU_SOURCE -O2 -fPIC -shared -o $@ $< -ldl

# A unit test runs once: under the sanitizers, or without them if it has the
# line "san: long", because compilers take most of its time.  With FULL=1 each
# test runs in both ways, and the tests with "check: full" run as well.
FULL ?=
LONG_UNITS := $(patsubst tests/unit/%.c,%,$(if $(TESTS),$(shell \
	grep -l '^/\* san: long \*/' $(TESTS))))
# tests/farm/old-kernel.sh runs these tests as on an old kernel.
OLD_KERNEL_UNITS := $(filter check_sandbox_% check_base_spawn,$(UNITS))
PLAIN_UNITS := $(if $(FULL),$(UNITS),$(LONG_UNITS) $(OLD_KERNEL_UNITS))
SAN_UNITS := $(if $(FULL),$(UNITS),$(filter-out $(LONG_UNITS),$(UNITS)))
# These tests also run under ThreadSanitizer; see thread_units() in tests/run.
THREAD_UNITS := $(patsubst tests/unit/%.c,%,$(if $(TESTS),$(shell \
	grep -l '^/\* threads: short \*/' $(TESTS)))) $(if $(FULL),$(filter \
	check_compiler_% check_coord_% check_inputs_%,$(UNITS)))
.PHONY: thread-programs check-threads
thread-programs: $(THREAD_UNITS:%=$B/unit/%)
check-programs: all $B/audit-tool $B/processors.so $B/shell-compare \
	$(PLAIN_UNITS:%=$B/unit/%) $(SAN_DIR)/kfarmd \
	$(SAN_UNITS:%=$(SAN_DIR)/unit/%) $(FUZZERS:%=$(SAN_DIR)/replay/%)
	$Q$(MAKE) SAN=thread FULL=$(FULL) thread-programs

# GROUPS= selects groups: unit san threads fuzz cli corpus processors farm nodes
# toolchain lint.
check: check-programs
	$QKFARM_BUILD=$B FULL=$(FULL) tests/run $(GROUPS)

# Run all tests of the compilers' files, of inputs and of the coordinator under
# ThreadSanitizer.  Takes a quarter of an hour.
check-threads:
	$Q$(MAKE) SAN=thread FULL=1 thread-programs
	$QKFARM_BUILD=$B FULL=1 tests/run threads

# Run the tests that depend on the machine with 1, 2, 4 and 16 processors.
check-processors: all $B/processors.so $(UNITS:%=$B/unit/%)
	$QKFARM_BUILD=$B PROCESSORS='1 2 4 16' tests/run processors

# Run the unit tests for arm64 under qemu-user; tests/lib/arm64.excused lists
# its limits.  The build has its own directory, because its programs contain the
# paths of their libraries, which no other program uses.
ARM64_ROOT := $(CURDIR)/build/debian/root/arm64
.PHONY: check-arm64 unit-programs
check-arm64:
	$Qtests/lib/check-arm64 lacks
	$Q$(MAKE) B=build/arm64 CROSS_COMPILE=aarch64-linux-gnu- \
		SYSROOT='$(ARM64_ROOT)' LDFLAGS='-Wl,--disable-new-dtags \
		-Wl,--dynamic-linker=$(ARM64_ROOT)/lib/ld-linux-aarch64.so.1 \
		-Wl,-rpath=$(ARM64_ROOT)/lib/aarch64-linux-gnu \
		-Wl,-rpath=$(ARM64_ROOT)/usr/lib/aarch64-linux-gnu' unit-programs
	$Qtests/lib/check-arm64
unit-programs: all $(UNITS:%=$B/unit/%)

lint:
	$Qscripts/lint $(STEPS)

format:
	$Qfind kbuild-farm tests -name '*.[ch]' -exec $(CLANG_FORMAT) -i {} +

# CONFIGURATIONS=NAME,... and ROWS=ROW,... select benchmarks; ARGS are options
# and targets of tests/bench/bench.
bench: all
	$QKFARM_BUILD=$B CONFIGURATIONS=$(CONFIGURATIONS) ROWS=$(ROWS) tests/bench/run $(ARGS)

# Measure the hits of the result cache after changes of a kernel, or check the
# selection of definitions (tests/bench/cache-hits.py).  Takes hours.
cache-hits: all
	$QKFARM_BUILD=$B tests/bench/cache-hits.py $(TREE) $(or $(ARGS),toggles)

# Compare the dependency scanner with compilers, over whole kernels and other
# projects, or those that TREES names (see tests/bench/audit).  Takes hours.
audit: all $B/audit-tool
	$QKFARM_BUILD=$B tests/bench/audit $(TREES)

# Run quickstart and check in clean roots of Debian's RELEASES, or the PHASES
# "packages make quickstart check" of them (tests/distributions).  Takes hours.
.PHONY: distributions
distributions:
	$QRELEASES='$(RELEASES)' PHASES='$(PHASES)' TEST_GROUPS='$(GROUPS)' tests/distributions

# Repeat the fault tests for hours.
soak: all
	$QKFARM_BUILD=$B tests/farm/soak.sh $(ROUNDS)

# Cause each fault of a node (or those that FAULTS names) TIMES times while a
# part of Linux's tinyconfig is built over TLS, and print a table of the
# results.
TIMES ?= 1
faults: all
	$QKFARM_BUILD=$B SOAK=$(TIMES) tests/nodes/faults.sh $(FAULTS)

# Kill a node, kfarm or make KILLS times while a part of Linux is built.  Takes
# an hour.  ARGS are the options of tests/farm/kills.sh.
KILLS ?= 100
.PHONY: kills
kills: all
	$QKFARM_BUILD=$B tests/farm/kills.sh $(ARGS) $(KILLS)

# Compare whole kernels by kfarm and by make, byte for byte, with configurations
# of tests/farm/equality.sh.  ARGS are its other options.  Takes hours.
equality: CONFIGS ?= tiny quickstart debug modversions x86 objtool ibt clang
equality: all
	$Qunequal=; for config in $(CONFIGS); do echo "== $$config"; \
		KFARM_BUILD=$B tests/farm/equality.sh --config $$config $(ARGS) || \
		unequal="$$unequal $$config"; done; \
	[ ! "$$unequal" ] || { echo "not equal:$$unequal" >&2; exit 1; }

# Build the kernels that Debian offers, or the ROWS of them
# (tests/farm/kernels.sh), by kfarm and by make, and compare all files.  ARGS can
# be --cloud.  `scripts/packages install test kernels` unpacks the sources.  Takes
# an hour.
.PHONY: kernels
kernels: all
	$QKFARM_BUILD=$B tests/farm/kernels.sh $(ARGS) $(ROWS)

# Compare STEPS incremental builds by kfarm and by make after random edits and
# settings.  tests/farm/shadow.sh names the CONFIGS, and ARGS are its other
# options.  Takes hours.
shadow: STEPS ?= 500
shadow: SEED ?= 1
.PHONY: shadow
shadow: all
	$QKFARM_BUILD=$B tests/farm/shadow.sh --steps $(STEPS) --seed $(SEED) $(ARGS) $(CONFIGS)

# Build a kernel with the kfarmd, and with the kfarm, of earlier COMMITS.
.PHONY: versions
versions: all
	$QKFARM_BUILD=$B tests/farm/versions.sh $(COMMITS)

# Measure the share of compiles that nodes run in U-Boot, git, haproxy and
# others, or those that PROJECTS names (tests/farm/reach.sh), and compare all
# files.  `scripts/packages install test reach` unpacks the sources.  Takes
# hours.
SHARE ?= 97
reach: all
	$QKFARM_BUILD=$B tests/farm/reach.sh --share $(SHARE) $(PROJECTS)

# Build a small kernel through an emulated arm64 machine, whose files
# `scripts/packages install arm64` unpacks.  Takes minutes.
.PHONY: emulated
emulated: all build/nodes/kfarmd-arm64
	$QKFARM_BUILD=$B tests/nodes/emulated.sh

# Compare the dispatcher with models of other schedulers on FARMS random farms,
# and check its rules on FARMS other random farms.
FARMS ?= 200
.PHONY: simulate
simulate: $B/unit/check_sched_simulate $B/unit/check_sim_properties
	$QSIMULATED_FARMS=$(FARMS) $<
	$QSIMULATED_FARMS=$(FARMS) $B/unit/check_sim_properties

# Run the dispatcher in 10,000 random farms, each twice.
.PHONY: sched-runs
sched-runs: $B/unit/check_sched_random
	$QSCHED_RUNS=10000 $<

# Print how many lines and branches the tests execute: per room, or per file of
# ROOM by its unit tests.  All tests take more than an hour.
.PHONY: coverage
coverage:
	$Qscripts/coverage $(ROOM)

# Connect a crowd of clients to kfarmd, and many short-lived ones.
.PHONY: door-churn
door-churn: all $B/unit/check_kfarmd_crowd
	$QDOOR_CROWD=$${DOOR_CROWD:-15000} DOOR_CHURN=$${DOOR_CHURN:-100000} \
		KFARMD=$B/kfarmd $B/unit/check_kfarmd_crowd

# Compare kfarm's recipe shell with dash by a million random scripts.
SHELL_RUNS ?= 1000000
.PHONY: shell-runs
shell-runs: all $B/shell-compare
	$Q$B/shell-compare -j "$$(nproc)" -n $(SHELL_RUNS) $B/sh

# Run the configure scripts of Debian packages, and the recipes of the makefiles
# that they write, by kfarm's recipe shell and by dash, and compare all files.
# `scripts/packages install configure` unpacks the sources.  Takes an hour.
.PHONY: configure-runs
configure-runs: SOURCES ?= $(shell scripts/packages sources configure)
configure-runs: all
	$QKFARM_BUILD=$B tests/farm/configure.sh $(SOURCES)

# Mutate compiles at random: where a mutation preserves a key of the result
# cache, the compiler must give equal results.  The trees are in TMPDIR.  With
# 100,000 mutations, half an hour.
MUTATIONS ?= 100000
.PHONY: cache-mutations
cache-mutations: SEED ?= 1
cache-mutations: $B/unit/check_cache_mutations
	$QCACHE_MUTATIONS=$(MUTATIONS) CACHE_MUTATIONS_SEED=$(SEED) $<

# List MUTANTS mutants of the sources with the tests that detect them
# (tests/mutants).  Requires root.  Takes hours.
MUTANTS ?= 200
.PHONY: mutants
mutants: SEED ?= 1
mutants: check-programs
	$Qtests/mutants $(MUTANTS) $(SEED)

# Compare diag/ with an independent count of the diagnostics in build logs.
.PHONY: diag-logs
diag-logs: $B/unit/check_diag_logs
	$QKFARM_LOGS='$(LOGS)' $<

# Each target starts with its corpus; build/fuzz/ receives new inputs.
PROPERTIES := check_cpp_property check_gas_property
.PHONY: $(FUZZERS:%=run-%) $(PROPERTIES:%=run-%) run-property
fuzz: $(FUZZERS:%=run-%) run-property
$(FUZZERS:%=run-%): run-%: $(FUZZ_DIR)/%
	@mkdir -p $(FUZZ_DIR)/found/$* && printf '  %-8s%s\n' FUZZ $*
	$Q$(FUZZ_DIR)/$* -runs=$(RUNS) -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix=$(FUZZ_DIR)/$*- $(FUZZ_DIR)/found/$* \
		$(wildcard tests/fuzz/corpus/$*) >$(FUZZ_DIR)/$*.log 2>&1 || \
		{ tail -n 40 $(FUZZ_DIR)/$*.log; exit 1; }
	@tail -n 1 $(FUZZ_DIR)/$*.log

# Compare the dependency scanner with compilers by random trees of headers and
# random assembler files.
run-property: $(PROPERTIES:%=run-%)
$(PROPERTIES:%=run-%): run-%: $B/unit/%
	@mkdir -p $(FUZZ_DIR) && printf '  %-8s%s\n' FUZZ $*
	$QSCAN_PROPERTY_RUNS=$(PROPERTY_RUNS) $< >$(FUZZ_DIR)/$*.log 2>&1 || \
		{ tail -n 40 $(FUZZ_DIR)/$*.log; exit 1; }
	@grep equal $(FUZZ_DIR)/$*.log

# -------------------------------------------------------------- install

to = $(DESTDIR)$(PREFIX)
# The directories below share/ in which shells look for completions.
COMPLETIONS := bash-completion/completions/kfarm.bash \
	zsh/site-functions/_kfarm fish/vendor_completions.d/kfarm.fish
# Only the templates that users read or copy; kfarm contains the others.
TEMPLATES := $(wildcard $(patsubst %,templates/%/*,boards configs farms \
	grafana nightly pool systemd))
# `all` does not make the kfarmds of other architectures.
warn_if_old = { [ ! "$$(find $(KFARMD_ROOMS:%=kbuild-farm/%) -type f \
	-newer "$$file")" ] || echo "warning: $$file is older than the sources:" \
	"run \`make nodes NODE_HOSTS=$${file\#\#*kfarmd-}\`, then install again" \
	>&2; }
# $(call install_program,FILE,TO): replace TO by rename(2).  While install(1)
# writes a file, a running build cannot execute it.
install_program = install -D -m 755 $(1) $(2).new && mv -f $(2).new $(2)
install: all
	$Q$(call install_program,$B/kfarm,$(to)/bin/kfarm)
	$Q$(call install_program,$B/kfarmd,$(to)/bin/kfarmd)
	$Q$(call install_program,$B/kfarm-cc,$(to)/bin/kfarm-cc)
	$Q$(call install_program,$B/sh,$(to)/lib/kfarm/sh)
	$Qfor file in build/nodes/kfarmd-*; do [ ! -e "$$file" ] || \
		{ $(warn_if_old) && $(call install_program,"$$file",\
			"$(to)/lib/kfarm/nodes/$${file##*/}"); } || exit 1; done
	$Qfor page in man/*.[1-8]; do install -D -m 644 "$$page" \
		"$(to)/share/man/man$${page##*.}/$${page#man/}" || exit 1; done
	$Qfor file in $(COMPLETIONS); do install -D -m 644 \
		"templates/completion/$${file##*/}" "$(to)/share/$$file" || \
		exit 1; done
	$Qfor file in $(TEMPLATES); do install -D -m 644 "$$file" \
		"$(to)/share/kfarm/$$file" || exit 1; done
	@scripts/installed "$(DESTDIR)" "$(PREFIX)"

uninstall:
	rm -f $(to)/bin/kfarm $(to)/bin/kfarmd $(to)/bin/kfarm-cc
	rm -rf $(to)/share/kfarm $(to)/lib/kfarm
	rm -f $(COMPLETIONS:%=$(to)/share/%)
	for page in man/*.[1-8]; do rm -f \
		"$(to)/share/man/man$${page##*.}/$${page#man/}"; done

# Debian packages in build/deb; for arm64 with the libraries that
# `scripts/packages install arm64` unpacks.
deb:
	$Qscripts/deb $(ARCHITECTURE)

clean:
	rm -rf build
