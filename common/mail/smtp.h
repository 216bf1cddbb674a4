// SPDX-License-Identifier: Apache-2.0
/* One mail over one connection, blocking: work pool only. */
#pragma once

#include <stdatomic.h>

#include "common/mail/mailer.h"

struct smtp_job {
	struct mail_server server;
	struct mail_parcel parcel;
	atomic_bool stop; /* from any thread: ends within a second */

	char answer[256]; /* the server's last line */
	struct fault fault;
};

/* Once per process, before the first. */
void smtp_start(void);
void smtp_send(struct smtp_job *j);
