# SPDX-License-Identifier: Apache-2.0
# make            everything into $(B)/bin          make SAN=1 B=build-san   with ASan and UBSan
# make CRASH=1 B=build-crash          with the places where tests kill a process (SAN=1 has them too)
# make quick      unit tests and lint, under 60 s   make bench               ratios, printed (bench-lock: locks alone)
# make fuzz       libFuzzer targets (clang)         ./tests/run              the whole suite
# make model      the lock service, proven with Spin
# A new .c file under common/, services/ or tests/ needs no change here.
B ?= build
ifeq ($(origin CC),default)
CC := gcc
endif

WARN   := -Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	  -Wwrite-strings -Wvla -Wcast-qual -Wformat=2 -Wundef -Wswitch-enum -Wnull-dereference \
	  -Wdouble-promotion -Wformat-nonliteral
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE -ftrivial-auto-var-init=zero \
	  -fno-delete-null-pointer-checks -fno-strict-overflow
# no name of ours may take the place of one inside a library: libkrb5, below libpq, has a profile_init too
HARDEN += -fvisibility=hidden
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection=full
endif
OPT    := -O2 -g
ifdef SAN
OPT    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# gcc's flow analysis gives false positives in instrumented code
WARN   += -Wno-null-dereference -Wno-maybe-uninitialized -Wno-stringop-truncation -Wno-format-truncation
else
OPT    += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
ifneq ($(SAN)$(CRASH),)
CPPFLAGS += -DCARNET_CRASHPOINTS=1
endif
CPPFLAGS += -D_GNU_SOURCE -I. -I$(B) -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)
CFLAGS   += -std=gnu17 $(OPT) $(WARN) $(HARDEN) -fno-common -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed
LIBS     := -lnng -lpq -lmsgpackc -lssl -lcrypto -largon2 -luv -lcurl -lmicrohttpd -ljansson \
	    -lzstd -linih -lexpat -lutf8proc -lidn2 -lyaml -lssh2 -lm
LIBS_worker := -lnetsnmp -lcups -lresolv
LIBS_storage := -larchive

SERVICES := scheduler worker lock storage sync gateway simulator migrate verify
GEN_IN   := $(wildcard schemas/messages/*.msg schemas/*.tab schemas/matrix.csv schemas/profiles/book/*.json)
GEN_C    := $(patsubst %,$(B)/gen/%.c,msg errors config matrix job_states routes profiles)
GEN_O    := $(GEN_C:.c=.o)
COMMON_C := $(wildcard common/*/*.c common/*/*/*.c)
COMMON_O := $(COMMON_C:%.c=$(B)/%.o) $(GEN_O)
BINS     := $(foreach s,$(SERVICES),$(if $(wildcard services/$(s)/main.c),$(B)/bin/carnet-$(s))) \
	    $(if $(wildcard services/cli/main.c),$(B)/bin/carnet)
UNIT     := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*/test_*.c))
HELPERS  := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/service/*.c tests/peers/*.c tests/history/*.c \
	      tests/system/*.c tests/bench/*.c))

.PHONY: all gen registry quick unit lint model bench bench-lock fuzz clean tests
.SECONDARY:
all: $(BINS)
gen: $(GEN_C)
tests: $(UNIT) $(HELPERS)

$(B)/schemagen: $(wildcard schemas/gen/*.c) schemas/gen/schemagen.h
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -D_GNU_SOURCE -I. -O1 -g $(WARN) -o $@ $(filter %.c,$^)

# After a message was added: writes its meaning down for ever (refuses changed meanings).
registry: $(B)/schemagen
	$(B)/schemagen --registry schemas

# One run writes every generated file, and refuses when schemas/messages/REGISTRY changed meaning.
$(B)/gen/.stamp: $(B)/schemagen $(GEN_IN) $(wildcard schemas/messages/REGISTRY)
	@mkdir -p $(B)/gen
	$(B)/schemagen schemas $(B)/gen
	@touch $@
$(GEN_C): $(B)/gen/.stamp ;

$(B)/%.o: %.c $(B)/gen/.stamp
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(B)/gen/%.o: $(B)/gen/%.c $(B)/gen/.stamp
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/libcarnet.a: $(COMMON_O)
	@rm -f $@
	$(AR) rcs $@ $^

# One archive per service, without its main: the unit tests of a service link it.
define SERVICE
$(1)_O := $$(patsubst %.c,$$(B)/%.o,$$(filter-out services/$(1)/main.c,$$(wildcard services/$(1)/*.c services/$(1)/*/*.c)))
$$(B)/lib$(1).a: $$($(1)_O)
	@rm -f $$@
	@mkdir -p $$(@D)
	$$(AR) rcs $$@ $$^
$$(B)/bin/carnet-$(1): $$(B)/services/$(1)/main.o $$(B)/lib$(1).a $$(B)/libcarnet.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS) $$(LIBS_$(1))
$$(B)/tests/unit/$(1)/%: $$(B)/tests/unit/$(1)/%.o $$(B)/lib$(1).a $$(B)/libtests.a $$(B)/libcarnet.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(LIBS) $$(LIBS_$(1))
endef
$(foreach s,$(SERVICES) cli,$(eval $(call SERVICE,$(s))))

$(B)/bin/carnet: $(B)/bin/carnet-cli
	cp $< $@

# What it is measured against, where it is installed.
$(B)/tests/bench/book_csv: LIBS += $(if $(wildcard /usr/include/csv.h),-lcsv)

# Benches of a service's pure parts link the service, too.
$(B)/tests/bench/storage_%: $(B)/tests/bench/storage_%.o $(B)/libstorage.a $(B)/libcarnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(LIBS_storage)

# When schedules fire, compared with PostgreSQL's arithmetic of time.
$(B)/tests/service/schedule_%: $(B)/tests/service/schedule_%.o $(B)/libscheduler.a $(B)/libcarnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# An adapter alone, against a real peer.
$(B)/tests/peers/adapter_%: $(B)/tests/peers/adapter_%.o $(B)/libworker.a $(B)/libcarnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(LIBS_worker)

# A fleet in one thread: the rules of several services over rows in memory.
$(B)/tests/unit/sim/test_sim: $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/sim/*.c)) $(B)/liblock.a \
		$(B)/libscheduler.a $(B)/libcarnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# What tests share.
$(B)/libtests.a: $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c))
	@rm -f $@
	$(AR) rcs $@ $^

# Tests of common/, and test programs that speak to services from outside.
$(B)/tests/%: $(B)/tests/%.o $(B)/libtests.a $(B)/libcarnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

unit: $(UNIT)
	@tests/tap $(UNIT)
lint:
	@B=$(B) tests/tap $(shell find tests/lint -maxdepth 1 -type f -executable | sort)
quick: all unit lint
model: all
	@B=$(B) tests/model/model.sh

bench: all tests
	@for b in tests/bench/*.sh; do B=$(B) bash $$b || exit 1; done
bench-lock: all $(B)/tests/bench/lock_rate
	@B=$(B) tests/bench/lock.sh

# libFuzzer needs clang; each target is one file, tests/fuzz/fuzz_<what>.c
FUZZ  := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz: $(FUZZ)
$(B)/fuzz/%.o: %.c $(B)/gen/.stamp
	@mkdir -p $(@D)
	clang $(CPPFLAGS) -std=gnu17 -O1 -g -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<
$(B)/fuzz/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	clang $(CPPFLAGS) -std=gnu17 -O1 -g -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(B)/fuzz/libcarnet.a: $(COMMON_C:%.c=$(B)/fuzz/%.o) $(patsubst $(B)/gen/%.c,$(B)/fuzz/gen/%.o,$(GEN_C))
	@rm -f $@
	$(AR) rcs $@ $^
# fuzz_<service>__<what>.c also links the objects of that service
fuzz_service_d = services/$(firstword $(subst __, ,$(patsubst fuzz_%,%,$(1))))
fuzz_service_o = $(if $(findstring __,$(1)),$(patsubst %.c,$(B)/fuzz/%.o,$(filter-out %/main.c,$(wildcard $(call fuzz_service_d,$(1))/*.c $(call fuzz_service_d,$(1))/*/*.c))))
$(B)/fuzz/fuzz_s3_answer: $(B)/fuzz/services/storage/vaults/s3_answer.o # of storage this alone
.SECONDEXPANSION:
$(FUZZ): $(B)/fuzz/%: $(B)/fuzz/tests/fuzz/%.o $$(call fuzz_service_o,$$*) $(B)/fuzz/libcarnet.a
	clang -g -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) $(LIBS_worker) $(LIBS_storage)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
