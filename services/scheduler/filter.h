// SPDX-License-Identifier: Apache-2.0
/* The filter language (docs/spec/fleet.md section 2), parsed to a tree. Pure: sql.c makes a
 * condition of whitelisted columns and parameters from the tree; no text of a filter ever becomes
 * SQL.
 *
 *     site = 'Lyon' and (type in (I, II) or label.floor > 3) and not last_state = failed
 *     address in 10.1.0.0/16 and capability.ab.read = yes and last_success_age > 7d
 *
 * ops: = != in ~ (glob, * and ?) < > has. Values: 'quoted' or "quoted" (a doubled quote stands for
 * one), or a bare word. Keywords are lower case. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "common/msg/msg.h"

#define FILTER_TEXT_MAX 4096u
#define FILTER_DEPTH_MAX 16u
#define FILTER_NODES_MAX 256u
#define FILTER_VALUES_MAX 256u

enum filter_type {
	FILTER_STRING,  /* = != in ~ < > has (contains) */
	FILTER_BOOL,    /* = != with true and false */
	FILTER_WORD,    /* an enum of the messages: = != in */
	FILTER_TIME,    /* < > with 2027-01-05T01:20:30Z or 2027-01-05 */
	FILTER_AGE,     /* < > with 90s 30m 12h 7d; a missing value is older than anything */
	FILTER_ADDRESS, /* as a string, and "in" with one CIDR */
	FILTER_LABEL,   /* label.<key>: as a string */
	FILTER_MAP,     /* has KEY */
	FILTER_RESULT,  /* capability.<name>: = != in with yes no unknown refused */
	FILTER_NUMBER,  /* = != in < > */
	FILTER_GROUP,   /* name of a group: = != in */
	FILTER_LOGIN,   /* name of a credential: has */
};

/* What may be asked about. name ending in "." takes a key behind it. */
struct filter_field {
	const char *name;
	enum filter_type type;
	const struct msg_enum_word *words; /* FILTER_WORD */
	const char *column;                /* what sql.c writes for it */
};

enum filter_op {
	FILTER_AND,
	FILTER_OR,
	FILTER_NOT, /* left only */
	FILTER_EQ,
	FILTER_NE,
	FILTER_IN,
	FILTER_LIKE,
	FILTER_LT,
	FILTER_GT,
	FILTER_HAS,
};

struct filter {
	enum filter_op op;
	const struct filter *left, *right;
	/* of a comparison */
	const struct filter_field *field;
	const char *key;           /* of label.<key> and capability.<name> */
	const char *const *values; /* one, or several for in; words of FILTER_WORD as numbers */
	size_t n_values;
	bool cidr; /* FILTER_ADDRESS: values[0] is a network */
};

/* fields ends with name NULL (sql.h has the tables).
 * 0 with *ret_filter in the arena, NULL for an empty text; or -1 with CN_VALIDATION_FAILED, reason
 * "filter", and the column in the detail. */
int filter_parse(const char *text, const struct filter_field *fields, struct arena *arena,
	const struct filter **ret_filter, struct fault *reterr) must_check;
