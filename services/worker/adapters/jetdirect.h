// SPDX-License-Identifier: Apache-2.0
/* What is known of print servers with FTP, as data (schemas/profiles/jetdirect_ftp.json): how many
 * sessions a model has and how long it keeps an idle one, and the languages printers know. Pure. */
#pragma once

#include "services/worker/adapters/profile.h"

struct jetdirect_sessions {
	unsigned max;     /* control connections at once */
	uint32_t idle_ms; /* then the device ends one */
};

/* By the model's name, else by the firmware's number ("L.20.07", "EEPROM R.22.01": 20 and later);
 * of a device of which nothing is known, the scarcer. NULL = not said. */
struct jetdirect_sessions jetdirect_sessions(
	const struct profile *p, const char *model, const char *firmware);
/* How many of them Carnet may hold: one, and never the last (DV-24). */
unsigned jetdirect_ours(const struct jetdirect_sessions *s);

/* How long a print server may take: it takes data as fast as it prints, so these are not those of
 * other families. 0 = not said. */
struct jetdirect_waits {
	uint32_t reply_ms;  /* for a reply to a command */
	uint32_t stall_ms;  /* without a byte taken */
	uint32_t stored_ms; /* for the reply after the data */
};
struct jetdirect_waits jetdirect_waits(const struct profile *p);

/* Nothing interprets the file on its way: is it in a language that printers know (DV-26)? Its name,
 * or NULL. */
const char *jetdirect_language(const struct profile *p, struct span file);
