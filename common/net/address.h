// SPDX-License-Identifier: Apache-2.0
/* Where we may connect (fleet.md 1.7, security.md section 3). Pure. */
#pragma once

#include "common/base/fault.h"

/* An IP address in network order; v4 in the first four bytes. */
struct address {
	bool v6;
	uint8_t b[16];
};

#define ADDRESS_TEXT 46
#define ADDRESS_NETS 64

struct network {
	struct address base;
	unsigned bits;
};

/* What the operator allowed at start. */
struct address_rules {
	bool allow_loopback;               /* of simulated devices only */
	struct network nets[ADDRESS_NETS]; /* of simulated fleets */
	size_t n_nets;
	bool only;    /* nets are all there is, unless there are none (SE-9) */
	bool nothing; /* the list said "none": with only, no address is allowed */
	struct network devices[ADDRESS_NETS]; /* where printers are; none = anywhere ordinary */
	size_t n_devices;
};

/* Only the plain spellings of inet_pton; everything else is a name (SE-12). */
bool address_parse(const char *text, struct address *ret);
char *address_text(const struct address *a, char text[static ADDRESS_TEXT]);
bool address_in(const struct address *a, const struct network *net);
/* Reads "10.0.0.0/8, fd00::/8", or "none". 0, or -1 with CN_VALIDATION_FAILED naming the setting
 * and the part. */
int address_nets(const char *setting, const char *list, struct address_rules *ret,
	struct fault *reterr) must_check;
/* The same of the networks where printers are. */
int address_device_nets(const char *setting, const char *list, struct address_rules *ret,
	struct fault *reterr) must_check;
/* Whether discovery may ask this address: only where printers are said to be, or simulated ones.
 * 0, or -1 with CN_ADDRESS_REFUSED. */
int address_may_look(const struct address *a, const struct address_rules *rules,
	bool *ret_simulated, struct fault *reterr) must_check;
/* 0, or -1 with CN_ADDRESS_REFUSED and the kind of address as reason. */
int address_check(const struct address *a, const struct address_rules *rules, bool simulated,
	struct fault *reterr) must_check;
