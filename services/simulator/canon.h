// SPDX-License-Identifier: Apache-2.0
/* What a simulated Canon keeps besides its books. */
#pragma once

#include "services/simulator/sim.h"

struct import;
struct sim_list;

/* Places and bytes; 0 = no limit. Of entries: all lists of type I together. */
struct canon_limits {
	uint32_t entries, one_touch, members, name, mail, path;
};

struct canon {
	struct canon_limits limits;
	struct import *import;        /* in progress */
	uint32_t token;               /* of the form shown last: it counts once */
	uint32_t imports;             /* taken to the end */
	uint32_t dropped, cut;        /* entries and texts, of all imports */
	uint32_t half;                /* items that were left half written, as bits */
	uint32_t workflows;           /* that an import of setting values deletes */
	uint32_t recalls;             /* favourites and recall: an import of lists erases them */
	struct buf kept_settings[26]; /* by the item's bit; p NULL = as made */
	char policy[33];              /* password of the security policy, "" = none */
	uint64_t restart_boot_ms;     /* a restart is needed since then; 0 = no */
};

/* Made when somebody first changes something. */
struct canon *canon_of(struct device *d);
struct canon_limits canon_limits(const struct device *d);
/* Takes the numbers that j names. */
void canon_set_limits(struct canon_limits *limits, const json_t *j);

/* ---- import.c ---- */
/* An import that the device has agreed to: clears, takes its time, answers. lists: one per item of
 * items, in order, taken over; torn = the file is wrong after what they hold. */
struct import_order {
	struct http_request *request;
	const char *session;
	uint32_t items; /* bits */
	struct sim_list *lists[15];
	uint32_t dropped, cut;
	bool torn;
	const char *setting; /* instead: one item of settings, and what it becomes */
	struct span state;
	const char *policy; /* that comes along with security_policy */
};
void import_begin(struct device *d, const struct import_order *order);
/* The device is taken apart: no answer any more. */
void import_drop(struct import *m);
