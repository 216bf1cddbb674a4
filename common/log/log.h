// SPDX-License-Identifier: Apache-2.0
/* One JSON line per event on stderr (security.md T25, reliability.md section 5: 8 KiB per line,
 * 10,000 lines per second, dropped lines are counted and logged, repeats within a second folded).
 * Control characters are escaped. Library code never logs; the service logs once, with the object.
 * Thread-safe.
 *
 *     log_info(L("version committed"), L_UUID("device", &id), L_INT("bytes", n));
 */
#pragma once

#include "common/base/fault.h"
#include "common/base/uuid.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_kind { LOG_END, LOG_EVENT, LOG_TEXT, LOG_NUMBER, LOG_ID, LOG_FAULT };

struct log_field {
	enum log_kind kind;
	const char *name;
	union {
		const char *text; /* NULL is written as null */
		int64_t number;
		const struct uuid *id;
		const struct fault *fault;
	};
};

#define L(event_)                                                                                  \
	{                                                                                          \
		.kind = LOG_EVENT, .text = (event_)                                                \
	}
#define L_STR(name_, text_)                                                                        \
	{                                                                                          \
		.kind = LOG_TEXT, .name = (name_), .text = (text_)                                 \
	}
#define L_INT(name_, n_)                                                                           \
	{                                                                                          \
		.kind = LOG_NUMBER, .name = (name_), .number = (int64_t)(n_)                       \
	}
#define L_UUID(name_, id_)                                                                         \
	{                                                                                          \
		.kind = LOG_ID, .name = (name_), .id = (id_)                                       \
	}
/* writes code, name and detail */
#define L_FAULT(fault_)                                                                            \
	{                                                                                          \
		.kind = LOG_FAULT, .name = "fault", .fault = (fault_)                              \
	}

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.kind = LOG_END}})
#define log_debug(...) log_write(LOG_DEBUG, LOG_FIELDS(__VA_ARGS__))
#define log_info(...) log_write(LOG_INFO, LOG_FIELDS(__VA_ARGS__))
#define log_warn(...) log_write(LOG_WARN, LOG_FIELDS(__VA_ARGS__))
#define log_error(...) log_write(LOG_ERROR, LOG_FIELDS(__VA_ARGS__))

/* service and instance stand in every line. min: lines below are not written. */
void log_setup(const char *service, const char *instance, enum log_level min);
void log_write(enum log_level level, const struct log_field *fields);
/* Gives L_FAULT its names of codes (gen/errors.h stands above this layer). */
void log_fault_names(const char *(*name)(int code));
/* Says what was folded or dropped so far; before the process ends. */
void log_flush(void);
