// SPDX-License-Identifier: Apache-2.0
/* IPP messages on memory (devices.md section 8). Only ipp_message.c and ipp_settings.c know
 * libcups. Pure. */
#pragma once

#include "services/worker/adapters/adapter.h"

/* What the first question brings, in the arena; NULL = not said. */
struct ipp_identity {
	const char *serial, *uuid, *maker, *model, *firmware, *language, *charset;
	const char *location;   /* if it was asked for */
	const char *state_text; /* printer-state-reasons, first */
	int state;              /* 3 idle, 4 processing, 5 stopped, 0 = not said */
	bool stopped_for_reason;
	bool can_set;     /* operations-supported has Set-Printer-Attributes */
	bool can_restart; /* and Restart-Printer */
	bool can_restart_system;
	int64_t up; /* printer-up-time, in seconds; 0 = not said */
	uint64_t change;
};

/* Names of attributes. */
struct ipp_names {
	const char **name;
	size_t n;
};

/* Appends a Get-Printer-Attributes request. names NULL = all. version: 0x0200 or 0x0101. */
void ipp_get_attributes(
	struct buf *out, const char *uri, unsigned version, const char *const *names, size_t n);
/* Requests that say no more than their target. */
enum ipp_operation {
	CALL_RESTART_PRINTER = 0x0029,
	CALL_GET_SYSTEM = 0x005b,
	CALL_RESTART_SYSTEM = 0x0060,
};
void ipp_call(struct buf *out, enum ipp_operation operation, const char *uri, unsigned version);

/* What identity asks for. */
const char *const *ipp_identity_names(size_t *ret_n);

/* 0, or -1 with the cause of the IPP status or CN_PROTOCOL_ERROR. */
int ipp_check(struct span answer, struct fault *reterr) must_check;
bool ipp_is_version_refused(struct span answer);
/* The printer's own words about its status (status-message), in the arena; NULL = none. */
const char *ipp_words(struct span answer, struct arena *a);
int ipp_read_identity(struct span answer, struct arena *a, struct ipp_identity *ret,
	struct fault *reterr) must_check;
/* Which attributes of an answer are settings: what can be set, what is a default, what is
 * configured. Times, states and counters are not: a backup must not differ because a minute went
 * by. What says whose settings they are and which can be set is with them. */
int ipp_setting_names(
	struct span all, struct arena *a, struct ipp_names *ret, struct fault *reterr) must_check;
/* Attributes of the printer group. */
int ipp_count(struct span answer, uint64_t *ret_n, struct fault *reterr) must_check;
