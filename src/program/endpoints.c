/*
 * endpoints: see endpoints.h.
 */
#include "program/endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_SIZE 200

static bool refuse(char *fault, const char *what, const char *text, size_t size)
{
    snprintf(fault, FAULT_SIZE, "%s: '%.*s'; right would be HOST:PORT, such as 127.0.0.1:3119 or [::1]:3119",
             what, (int)(size < 80 ? size : 80), text);
    return false;
}

/* The port in `text` of `size` octets; 0 when it is none. */
static uint16_t read_port(const char *text, size_t size)
{
    unsigned long port = 0;
    if (size < 1 || size > 5) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    return port <= 65535 ? (uint16_t)port : 0;
}

static bool read_one(const char *text, size_t size, uint16_t port, struct endpoint *endpoint, char *fault)
{
    const char *host = text, *behind;
    size_t host_size;
    if (size > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', size);
        if (bracket == NULL) {
            return refuse(fault, "the bracket is not closed", text, size);
        }
        host++;
        host_size = (size_t)(bracket - host);
        behind = bracket + 1;
    } else {
        const char *colon = memchr(text, ':', size);
        host_size = colon != NULL ? (size_t)(colon - text) : size;
        behind = text + host_size;
    }
    size_t left = size - (size_t)(behind - text);
    if (host_size < 1 || host_size >= sizeof endpoint->host) {
        return refuse(fault, "the host is missing or too long", text, size);
    }
    memcpy(endpoint->host, host, host_size);
    endpoint->host[host_size] = '\0';
    endpoint->port = left == 0 ? port : behind[0] == ':' ? read_port(behind + 1, left - 1) : 0;
    if (endpoint->port == 0) {
        return refuse(fault, "the port is missing or not from 1 to 65535", text, size);
    }
    return true;
}

bool endpoints_parse(const char *text, uint16_t port, struct endpoints *endpoints, char *fault)
{
    endpoints->count = 0;
    for (;;) {
        const char *comma = strchr(text, ',');
        size_t size = comma != NULL ? (size_t)(comma - text) : strlen(text);
        if (endpoints->count == ENDPOINTS_MAX) {
            snprintf(fault, FAULT_SIZE, "at most %d addresses can be named", ENDPOINTS_MAX);
            return false;
        }
        if (!read_one(text, size, port, &endpoints->list[endpoints->count], fault)) {
            return false;
        }
        endpoints->count++;
        if (comma == NULL) {
            return true;
        }
        text = comma + 1;
    }
}
