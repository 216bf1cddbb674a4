// SPDX-License-Identifier: Apache-2.0
/* Which versions of one device and kind stay (docs/spec/storage.md section 11). Pure: the time is
 * given, nothing is read or written. */
#pragma once

#include "common/base/uuid.h"
#include "common/clock/zone.h"

/* Why a version stays; one may satisfy several. */
enum retention_rule {
	RULE_LAST = 1 << 0,
	RULE_HOURLY = 1 << 1,
	RULE_DAILY = 1 << 2,
	RULE_WEEKLY = 1 << 3,
	RULE_MONTHLY = 1 << 4,
	RULE_YEARLY = 1 << 5,
	RULE_WITHIN = 1 << 6,
	RULE_PROTECTED = 1 << 7,
	/* what no policy can lower (ST-68) */
	RULE_NEWEST = 1 << 8,    /* the head (ST-17) */
	RULE_SUCCESSOR = 1 << 9, /* a vault has no verified newer one yet (ST-7) */
	RULE_MINIMUM = 1 << 10,  /* ST-8 */
	RULE_WEEK = 1 << 11,     /* younger than 7 days */
	RULE_UNDO = 1 << 12,     /* a pre-image: 30 days, and until the device is backed up again */
	RULE_ALL = 1 << 13,      /* the policy has no rule: everything stays */
};
#define RULES 14

/* The word of the rule of this bit. */
const char *retention_word(unsigned bit);

struct retention_policy {
	unsigned last, hourly, daily, weekly, monthly, yearly;
	uint64_t within_ms;
	unsigned keep_min;       /* 0 = 1 */
	const struct zone *zone; /* of the tenant */
};
bool retention_has_rules(const struct retention_policy *p);

struct retention_version {
	struct uuid id;
	uint64_t generation;
	int64_t at_ms; /* committed */
	bool flagged;  /* torn or partial: takes no slot (ST-67) */
	bool head;
	bool awaits_successor;   /* newest verified copy of some vault */
	bool pre_image, awaited; /* awaited: no backup of the device since */
	int64_t protected_until; /* 0 = not, INT64_MAX = without end */
	/* out */
	uint32_t kept; /* rules; 0 = may go */
};

/* Fills `kept` of all versions of one device and kind, given newest generation first. */
void retention_choose(
	const struct retention_policy *p, int64_t now_ms, struct retention_version *v, size_t n);
