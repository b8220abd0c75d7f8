/*
 * station_command: selections, commands and parameters that wait for the host or are being executed.
 *
 * A command's way: [select → asked → selected →] execute → asked → open → free. A selection is bound to its
 * connection, originator, type, value and qualifier; what differs in one of these is not what was selected.
 */
#include <string.h>

#include "station_private.h"

static void confirm(struct request *request, bool positive)
{
    station_mirror(request, KOMET_COT_ACTIVATION_CON, !positive);
}

/* ---- the table ---- */

static void command_set(struct command *command, enum command_state state)
{
    command->state = state;
}

static bool is_parameter(const struct command *command)
{
    return command->state == COMMAND_PARAMETER_ASKED || command->state == COMMAND_ACTIVATION_ASKED;
}

/* A selection that has run out is none any more. */
static void drop_old_selection(struct command *command, struct komet_instant now)
{
    if (command->state == COMMAND_SELECTED && komet_reached(now, command->until)) {
        command_set(command, COMMAND_FREE);
    }
}

/* The command that is open at a point. */
static struct command *find_open(struct request *request, size_t point)
{
    for (unsigned i = 0; i < request->station->settings.commands; i++) {
        struct command *command = &request->station->commands[i];
        drop_old_selection(command, request->now);
        if (command->state != COMMAND_FREE && !is_parameter(command) && command->point == point) {
            return command;
        }
    }
    return NULL;
}

static struct command *find_id(struct komet_station *station, uint32_t id)
{
    for (unsigned i = 0; i < station->settings.commands; i++) {
        struct command *command = &station->commands[i];
        if (command->state != COMMAND_FREE && command->id == id) {
            return command;
        }
    }
    return NULL;
}

/* A free place, taken for a request; NULL when all are taken. */
static struct command *open_command(struct request *request, size_t point, enum command_state state)
{
    struct komet_station *station = request->station;
    for (unsigned i = 0; i < station->settings.commands; i++) {
        struct command *command = &station->commands[i];
        drop_old_selection(command, request->now);
        if (command->state != COMMAND_FREE) {
            continue;
        }
        KOMET_ASSERT(request->asdu->size <= sizeof command->octets);
        *command = (struct command){
            .id = station->next_id++,
            .connection = request->c,
            .point = point,
            .object = *request->object,
            .size = (uint8_t)request->asdu->size,
        };
        command->object.octets = NULL;
        memcpy(command->octets, request->asdu->octets, request->asdu->size);
        command_set(command, state);
        return command;
    }
    return NULL;
}

/* Hands a request to the host: the event with its number, or a refusal when there is no place for it. */
static void ask_host(struct request *request, size_t point, enum command_state state,
                     enum komet_station_event_kind kind)
{
    const struct command *command = open_command(request, point, state);
    if (command == NULL) {
        confirm(request, false);
        return;
    }
    *request->event = (struct komet_station_event){
        .kind = kind,
        .id = command->id,
        .connection = request->c,
        .ca = request->asdu->ca,
        .type = request->asdu->type,
        .oa = request->asdu->oa,
        .point = point,
        .object = command->object,
        .activate = request->asdu->cause == KOMET_COT_ACTIVATION,
    };
}

unsigned station_promised_answers(const struct komet_station *station, unsigned c)
{
    unsigned promised = 0;
    for (unsigned i = 0; i < station->settings.commands; i++) {
        const struct command *command = &station->commands[i];
        if (command->connection != c) {
            continue;
        }
        switch (command->state) {
        case COMMAND_FREE:
        case COMMAND_SELECTED:
            break;
        case COMMAND_ASKED:
            promised += 2;
            break;
        case COMMAND_SELECT_ASKED:
        case COMMAND_OPEN:
        case COMMAND_PARAMETER_ASKED:
        case COMMAND_ACTIVATION_ASKED:
            promised += 1;
            break;
        }
    }
    return promised;
}

void station_forget_commands(struct komet_station *station, unsigned c)
{
    for (unsigned i = 0; i < station->settings.commands; i++) {
        if (station->commands[i].connection == c) {
            command_set(&station->commands[i], COMMAND_FREE);
        }
    }
}

void komet_station_forget_point(struct komet_station *station, size_t point)
{
    KOMET_ASSERT(point < station->settings.point_count);
    for (unsigned i = 0; i < station->settings.commands; i++) {
        if (station->commands[i].point == point) {
            command_set(&station->commands[i], COMMAND_FREE);
        }
    }
}

/* ---- is it allowed ---- */

/* The tag has to be near the station's clock; without a clock nothing is near (-5-104, commands with time
 * tag). */
static bool is_too_old(const struct request *request)
{
    const struct komet_station *station = request->station;
    const struct komet_time_tag *tag = &request->object->time;
    if (station->settings.command_age_ms == 0 || request->object->time_size == KOMET_TIME_NONE) {
        return false;
    }
    if (tag->invalid || !komet_time_tag_plausible(tag) || !komet_utc_known(request->utc)) {
        return true;
    }
    int64_t age_ms = request->utc.ms - station_utc_of(station, tag, request->utc).ms;
    return age_ms > station->settings.command_age_ms || age_ms < -station->settings.command_age_ms;
}

/* Double and regulating commands have two states that are no command (7.2.6.16, 7.2.6.17). */
static bool is_permitted_state(const struct komet_object *object)
{
    bool two = object->element == KOMET_ELEMENT_DOUBLE || object->element == KOMET_ELEMENT_REGULATING;
    return !two || object->value.number == 1 || object->value.number == 2;
}

static bool is_set_point(const struct komet_point *point)
{
    return point->type >= KOMET_C_SE_NA_1 && point->type <= KOMET_C_SE_NC_1;
}

/* The integer next to `number` that is not above it, or not below it. */
static int32_t whole(double number, bool not_above)
{
    if (number <= INT16_MIN || number >= INT16_MAX) {
        return number < 0 ? INT16_MIN : INT16_MAX;
    }
    int32_t cut = (int32_t)number;
    if (not_above) {
        return cut > number ? cut - 1 : cut;
    }
    return cut < number ? cut + 1 : cut;
}

/* The float next to `number`, likewise. */
static float real_number(double number, bool not_above)
{
    union {
        float real;
        uint32_t bits;
    } next = {.real = (float)number};
    double beyond = not_above ? next.real - number : number - next.real;
    if (beyond > 0) { /* one step back; on either side of 0 the bits grow away from it */
        bool negative = next.real == 0 ? not_above : next.real < 0;
        if (next.real == 0) {
            next.bits = negative ? UINT32_C(0x80000000) : 0;
        }
        next.bits += negative == not_above ? 1 : UINT32_MAX;
    }
    return next.real;
}

/* Puts a set point that is out of range to the limit that it passed. */
static void limit_object(struct komet_object *object, double limit, bool upper)
{
    if (object->element == KOMET_ELEMENT_FLOAT) {
        object->value.real = real_number(limit, upper);
    } else {
        object->value.number =
            whole(object->element == KOMET_ELEMENT_NORMALIZED ? limit * 32768 : limit, upper);
    }
}

/* Whether a set point is allowed. `limited`: what stands in its place when it is not and the settings say so.
 */
static bool is_in_range(const struct request *request, const struct komet_point *point,
                        struct komet_object *limited)
{
    double number = komet_object_number(request->object);
    *limited = *request->object;
    if (!is_set_point(point)) {
        return true;
    }
    if (number != number) { /* no number at all: there is no nearest one */
        return false;
    }
    bool unlimited = point->minimum == 0 && point->maximum == 0;
    if (unlimited || (number >= point->minimum && number <= point->maximum)) {
        return true;
    }
    bool upper = number > point->maximum;
    limit_object(limited, upper ? point->maximum : point->minimum, upper);
    return request->station->settings.limit_set_points;
}

/* ---- commands ---- */

static bool is_of_owner(const struct request *request, const struct command *command)
{
    struct komet_asdu selected;
    enum komet_asdu_result result =
        komet_asdu_decode(request->station->settings.profile, command->octets, command->size, &selected);
    KOMET_ASSERT(result == KOMET_ASDU_OK); /* it was when it came */
    return command->connection == request->c && selected.oa == request->asdu->oa;
}

static bool is_what_was_selected(const struct request *request, const struct command *command)
{
    const struct komet_object *object = request->object;
    return command->octets[0] == request->asdu->type && command->object.value.bits == object->value.bits &&
           command->object.qualifier == object->qualifier;
}

/* The command as it is executed: with the value that a limit gave it, in its octets too. */
static void replace_value(struct request *request, const struct komet_object *limited, uint8_t *octets)
{
    struct komet_asdu_writer writer;
    const struct komet_asdu *asdu = request->asdu;
    const struct komet_asdu_header header = {
        .type = asdu->type, .cause = asdu->cause, .test = asdu->test, .oa = asdu->oa, .ca = asdu->ca};
    bool begun = komet_asdu_begin(&writer, asdu->profile, &header, octets, KOMET_ASDU_SIZE_ONE);
    bool added = begun && komet_asdu_add(&writer, limited);
    KOMET_ASSERT(added);
    KOMET_ASSERT(komet_asdu_end(&writer) == asdu->size);
}

static void take_select(struct request *request, size_t point)
{
    const struct komet_point *row = &request->station->settings.points[point];
    if (row->select == KOMET_SELECT_NEVER || find_open(request, point) != NULL) {
        confirm(request, false);
    } else if (request->asdu->test) {
        confirm(request, true);
    } else {
        ask_host(request, point, COMMAND_SELECT_ASKED, KOMET_STATION_COMMAND);
    }
}

static void take_execute(struct request *request, size_t point)
{
    const struct komet_point *row = &request->station->settings.points[point];
    struct command *open = find_open(request, point);
    bool selected = open != NULL && open->state == COMMAND_SELECTED && is_of_owner(request, open);
    bool same = selected && is_what_was_selected(request, open);
    if (selected && !request->asdu->test) {
        command_set(open, COMMAND_FREE); /* used up, also by a wrong execute of its owner */
    }
    bool allowed = open == NULL ? row->select != KOMET_SELECT_REQUIRED : same;
    if (!allowed) {
        confirm(request, false);
    } else if (request->asdu->test) {
        confirm(request, true);
    } else {
        ask_host(request, point, COMMAND_ASKED, KOMET_STATION_COMMAND);
    }
}

void station_take_command(struct request *request, size_t point)
{
    const struct komet_point *row = &request->station->settings.points[point];
    struct komet_object limited;
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    if (is_too_old(request)) {
        request->station->counters.too_old++;
        if (request->station->settings.too_old == KOMET_TOO_OLD_REFUSED) {
            confirm(request, false);
        }
        return;
    }
    if (!is_permitted_state(request->object) || !is_in_range(request, row, &limited)) {
        confirm(request, false);
        return;
    }
    struct komet_asdu asdu = *request->asdu;
    struct request allowed = *request;
    if (limited.value.bits != request->object->value.bits) {
        replace_value(request, &limited, octets);
        asdu.octets = octets;
    }
    allowed.asdu = &asdu;
    allowed.object = &limited;
    if (limited.select) {
        take_select(&allowed, point);
    } else {
        take_execute(&allowed, point);
    }
}

/* Only a selection can be taken back; what is being executed goes on (7.4.8). */
void station_take_deactivation(struct request *request, size_t point)
{
    struct command *open = find_open(request, point);
    bool mine = open != NULL && open->state == COMMAND_SELECTED && is_of_owner(request, open);
    if (mine && !request->asdu->test) {
        command_set(open, COMMAND_FREE);
    }
    station_mirror(request, KOMET_COT_DEACTIVATION_CON, !mine);
}

void station_take_parameter(struct request *request, size_t point)
{
    if (request->asdu->test) {
        confirm(request, true);
    } else if (request->asdu->type == KOMET_P_AC_NA_1) {
        ask_host(request, point, COMMAND_ACTIVATION_ASKED, KOMET_STATION_PARAMETER_ACTIVATION);
    } else {
        ask_host(request, point, COMMAND_PARAMETER_ASKED, KOMET_STATION_PARAMETER);
    }
}

/* ---- the host's answers ---- */

static uint8_t confirmation_of(const struct command *command)
{
    uint8_t cause = command->octets[ASDU_COT_OFFSET] & ASDU_COT_CAUSE;
    return cause == KOMET_COT_DEACTIVATION ? KOMET_COT_DEACTIVATION_CON : KOMET_COT_ACTIVATION_CON;
}

static void accept(struct komet_station *station, struct komet_instant now, struct command *command)
{
    switch (command->state) {
    case COMMAND_SELECT_ASKED:
        command->until = komet_after(now, station->settings.select_us);
        command_set(command, COMMAND_SELECTED);
        return;
    case COMMAND_ASKED:
        station->counters.executed++;
        command_set(command, COMMAND_OPEN);
        return;
    case COMMAND_PARAMETER_ASKED:
        station->settings.points[command->point].object = command->object;
        command_set(command, COMMAND_FREE);
        return;
    case COMMAND_ACTIVATION_ASKED:
        command_set(command, COMMAND_FREE);
        return;
    case COMMAND_FREE:
    case COMMAND_SELECTED:
    case COMMAND_OPEN:
        break;
    }
    KOMET_ASSERT_NEVER("a command that does not wait for the host");
}

/* The command that waits for the host's answer; NULL: it does not, or not any more. */
static struct command *find_asked(struct komet_station *station, uint32_t id)
{
    struct command *command = find_id(station, id);
    bool asked = command != NULL && command->state != COMMAND_SELECTED && command->state != COMMAND_OPEN;
    return asked ? command : NULL;
}

static void refuse(struct komet_station *station, struct command *command, uint8_t cause)
{
    station->counters.refused++;
    command_set(command, COMMAND_FREE);
    station_enqueue_octets(station, command->connection, command->octets, command->size, cause, true);
}

bool komet_station_confirm(struct komet_station *station, struct komet_instant now, uint32_t id,
                           bool accepted)
{
    struct command *command = find_asked(station, id);
    if (command == NULL) {
        return false;
    }
    uint8_t cause = confirmation_of(command);
    if (!accepted) {
        refuse(station, command, cause);
        return true;
    }
    const struct command asked = *command;
    accept(station, now, command);
    station_enqueue_octets(station, asked.connection, asked.octets, asked.size, cause, false);
    return true;
}

bool komet_station_refuse(struct komet_station *station, uint32_t id, uint8_t cause)
{
    KOMET_ASSERT(cause >= KOMET_COT_UNKNOWN_TYPE && cause <= KOMET_COT_UNKNOWN_IOA);
    struct command *command = find_asked(station, id);
    if (command != NULL) {
        refuse(station, command, cause);
    }
    return command != NULL;
}

bool komet_station_finish(struct komet_station *station, uint32_t id, bool done)
{
    struct command *command = find_id(station, id);
    if (command == NULL || command->state != COMMAND_OPEN) {
        return false;
    }
    command_set(command, COMMAND_FREE);
    station_enqueue_octets(station, command->connection, command->octets, command->size,
                           KOMET_COT_ACTIVATION_TERMINATION, !done);
    return true;
}
