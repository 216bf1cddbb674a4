// SPDX-License-Identifier: Apache-2.0
/* What families of devices that speak SOAP share: requests as trees, texts of answers. */
#pragma once

#include "common/base/buf.h"
#include "common/http/server.h"
#include "common/text/xml.h"

/* The first element inside Body, in whatever version of SOAP; NULL: no envelope came. Lives as long
 * as the request. ret_header may be NULL. */
const struct xml_node *soap_request(struct http_request *r, const struct xml_node **ret_header);
/* Text of an element down a path of local names, "" = not there. */
const char *soap_get(const struct xml_node *n, const char *path);
/* Character data, escaped; control characters go (the device's side: what people typed in). */
void soap_put(struct buf *out, const char *text);
/* <name>text</name> */
void soap_put_element(struct buf *out, const char *name, const char *text);
