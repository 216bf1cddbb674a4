// SPDX-License-Identifier: Apache-2.0
/* The mail server of a tenant: a vault of kind mail. */
#pragma once

#include "common/mail/mailer.h"
#include "common/mail/message.h"
#include "services/storage/sql_mail.h"

/* vault_add of kind mail: kept when the server took a test mail (ST-54). */
void relay_add(struct call *call);
/* Composes and sends; done as in mailer_send, also when composing failed. m->from is the relay's.
 */
void relay_send(const struct relay *relay, struct mail *m, mail_done_fn done, void *arg);
