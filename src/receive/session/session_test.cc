// Whole dialogues over loopback: every kind of reply, and what the walk is told.
#include "receive/session/session.h"

#include <sys/socket.h>

#include <set>

#include "receive/session/test_world.h"

namespace gatehouse::receive::session {
namespace {

using net::Task;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::Talker;
using testing::World;

Task<void> deliver_one(World& world) {
    Talker client = co_await world.greeted();
    const std::string mail =
        co_await client.ask("MAIL FROM:<a@sender.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=e1");
    EXPECT_THAT(mail, StartsWith("250 2.1.0"));
    const std::string rcpt = co_await client.ask("RCPT TO:<b@gw.test> NOTIFY=FAILURE");
    EXPECT_THAT(rcpt, StartsWith("250 2.1.5"));
    const std::string data = co_await client.ask("DATA");
    EXPECT_THAT(data, StartsWith("354"));
    const std::string receipt = co_await client.ask("Subject: x\r\n\r\n..dots\r\n.");
    EXPECT_EQ(receipt, "250 2.0.0 Taken");
    const std::string bye = co_await client.ask("QUIT");
    EXPECT_THAT(bye, StartsWith("221"));
    const std::string end = co_await client.hear();
    EXPECT_EQ(end, "");
}

TEST(Session, HandsTheMessageAndItsEnvelopeToTheWalk) {
    World world;
    world.play(deliver_one);
    ASSERT_EQ(world.walk.messages.size(), 1U);
    const auto& [envelope, steps, bytes] = world.walk.messages.at(0);
    EXPECT_EQ(bytes, "Subject: x\r\n\r\n.dots\r\n");
    EXPECT_EQ(envelope.size, bytes.size());
    EXPECT_EQ(envelope.sender, "a@sender.test");
    ASSERT_EQ(envelope.recipients.size(), 1U);
    EXPECT_EQ(envelope.recipients.at(0).address, "b@gw.test");
    EXPECT_EQ(envelope.recipients.at(0).notify, message::kNotifyFailure);
    EXPECT_EQ(envelope.declared_size, 100U);
    EXPECT_TRUE(envelope.eight_bit);
    EXPECT_EQ(envelope.ret, "HDRS");
    EXPECT_EQ(envelope.envid, "e1");
    EXPECT_EQ(envelope.client.address, "127.0.0.1");
    EXPECT_NE(envelope.client.port, 0);
    EXPECT_EQ(envelope.client.helo, "client.test");
    EXPECT_EQ(envelope.client.protocol, "ESMTP");
    EXPECT_FALSE(envelope.client.early_talker);
    EXPECT_FALSE(envelope.reference.is_empty());
    EXPECT_NE(envelope.reference, world.walk.connections.at(0).reference);
    std::vector<std::string> names;
    for (const auto& step : steps) names.push_back(step.name);
    EXPECT_THAT(names, ElementsAre("connect", "mail", "rcpt", "data"));
    EXPECT_THAT(steps.at(1).result, StartsWith("250 2.1.0"));
    EXPECT_EQ(world.walk.states_alive, 0);
    EXPECT_EQ(world.memory.used(), 0U);
    EXPECT_EQ(world.counters.accepted, 1U);
    EXPECT_EQ(world.counters.bytes, bytes.size());
}

Task<void> all_refusals(World& world) {
    world.walk.on_mail = {451, "4.7.1", "Not now"};
    Talker client = co_await world.greeted();
    const std::string mail = co_await client.ask("MAIL FROM:<a@sender.test>");
    EXPECT_THAT(mail, StartsWith("451 4.7.1 Not now; ref "));
    world.walk.on_mail = {250, "", ""};
    const std::string accepted = co_await client.ask("MAIL FROM:<a@sender.test>");
    EXPECT_EQ(accepted, "250 2.1.0 Sender ok");
    const std::string relay = co_await client.ask("RCPT TO:<x@elsewhere.test>");
    EXPECT_THAT(relay, StartsWith("55"));
    world.walk.on_rcpt = [](const std::string&) { return Reply{550, "5.1.1", "No such user"}; };
    const std::string rcpt = co_await client.ask("RCPT TO:<nobody@gw.test>");
    EXPECT_THAT(rcpt, StartsWith("550 5.1.1 No such user; ref "));
    const std::string data = co_await client.ask("DATA");
    EXPECT_THAT(data, StartsWith("554"));
    world.walk.on_rcpt = nullptr;
    const std::string good = co_await client.ask("RCPT TO:<b@gw.test>");
    EXPECT_THAT(good, StartsWith("250"));
    world.walk.on_message = {550, "5.7.1", "Refused by policy"};
    co_await client.ask("DATA");
    const std::string receipt = co_await client.ask("x\r\n.");
    EXPECT_THAT(receipt, StartsWith("550 5.7.1 Refused by policy; ref "));
    const auto reference = world.walk.messages.at(0).envelope.reference.to_string();
    EXPECT_THAT(receipt, HasSubstr(reference));
    const std::string unknown = co_await client.ask("FROB");
    EXPECT_THAT(unknown, HasSubstr(world.walk.connections.at(0).reference.to_string()));
    co_await client.ask("QUIT");
}

TEST(Session, PassesRefusalsOnWithTheReference) {
    World world;
    world.play(all_refusals);
    EXPECT_THAT(world.walk.refusals, ElementsAre(StartsWith("rcpt <x@elsewhere.test> 55")));
    EXPECT_TRUE(world.walk.aborts.empty());
    EXPECT_EQ(world.walk.states_alive, 0);
}

Task<void> refused_at_connect(World& world) {
    world.walk.on_connect = {554, "5.7.1", "You are listed"};
    Talker client = co_await world.call();
    const std::string greeting = co_await client.hear();
    EXPECT_THAT(greeting, HasSubstr("You are listed"));
    const std::string mail = co_await client.ask("MAIL FROM:<a@sender.test>");
    EXPECT_THAT(mail, StartsWith("5"));
    const std::string bye = co_await client.ask("QUIT");
    EXPECT_THAT(bye, StartsWith("221"));
    world.walk.on_connect = {421, "4.7.0", "Not now"};
    Talker other = co_await world.call();
    const std::string later = co_await other.hear();
    EXPECT_THAT(later, StartsWith("421"));
    const std::string end = co_await other.hear();
    EXPECT_EQ(end, "");
}

TEST(Session, LetsTheWalkTurnConnectionsAway) {
    World world;
    world.play(refused_at_connect);
    EXPECT_EQ(world.counters.turned_away, 2U);
}

Task<void> aborts(World& world) {
    for (const std::string how : {"RSET", "EHLO again.test", "QUIT"}) {
        Talker client = co_await world.greeted();
        co_await client.ask("MAIL FROM:<a@sender.test>");
        co_await client.ask("RCPT TO:<b@gw.test>");
        co_await client.ask(how);
        co_await client.ask("QUIT");
    }
    {
        Talker client = co_await world.greeted();
        co_await client.ask("MAIL FROM:<a@sender.test>");
        co_await client.ask("RCPT TO:<b@gw.test>");
        co_await client.ask("DATA");
        co_await client.say("half a message");
        client.stream().close();
    }
    co_await world.until([&] { return world.walk.aborts.size() == 4; });
}

TEST(Session, TellsTheWalkOfEveryTransactionThatDies) {
    World world;
    world.play(aborts);
    using enum smtp::AbortReason;
    EXPECT_THAT(world.walk.aborts, ElementsAre(rset, hello, quit, closed));
    EXPECT_EQ(world.walk.states_alive, 0);
    EXPECT_EQ(world.memory.used(), 0U);
}

Task<void> pipelined(World& world) {
    Talker client = co_await world.greeted();
    std::string batch = "MAIL FROM:<a@sender.test>\r\n";
    for (int i = 0; i < 300; ++i) batch += "RCPT TO:<user" + std::to_string(i) + "@gw.test>\r\n";
    co_await client.say(batch + "DATA\r\n");
    const std::string codes = co_await client.codes(302);
    EXPECT_EQ(codes.substr(codes.size() - 7), "250 354");
    co_await client.say("x\r\n.\r\nMAIL FROM:<c@sender.test>\r\nRSET\r\nQUIT\r\n");
    const std::string rest = co_await client.codes(4);
    EXPECT_EQ(rest, "250 250 250 221");
}

TEST(Session, TakesPipelinedCommandsInAnyPortion) {
    World world;
    world.play(pipelined);
    ASSERT_EQ(world.walk.messages.size(), 1U);
    EXPECT_EQ(world.walk.messages.at(0).envelope.recipients.size(), 300U);
    EXPECT_EQ(world.walk.messages.at(0).envelope.recipients.at(299).address, "user299@gw.test");
    EXPECT_LE(world.walk.messages.at(0).steps.size(), 256U);
}

Task<void> chunked(World& world) {
    Talker client = co_await world.greeted();
    co_await client.say(
        "MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 9\r\nSubject: BDAT 5\r\nx\r\n\r\nBDAT 0 "
        "LAST\r\n");
    const std::string codes = co_await client.codes(5);
    EXPECT_EQ(codes, "250 250 250 250 250");
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 200000 LAST\r\n");
    std::string large;
    while (large.size() < 200'000) large += "a line of some length, not too long and not too short\r\n";
    large.resize(199'998);
    large += "\r\n";
    co_await client.say(large);
    const std::string receipt = co_await client.codes(3);
    EXPECT_EQ(receipt, "250 250 250");
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 4\r\nX: y");
    const std::string mixed = co_await client.codes(3);
    EXPECT_EQ(mixed, "250 250 250");
    const std::string data = co_await client.ask("DATA");
    EXPECT_THAT(data, StartsWith("503"));
    co_await client.ask("RSET");
    co_await client.say("BDAT 10 LAST\r\nMAIL FROM:NOOP\r\n");
    const std::string none = co_await client.codes(2);
    EXPECT_EQ(none, "503 250");
    // The client goes away in the middle of a chunk.
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 100\r\nhalf");
    client.stream().close();
    co_await world.until([&] { return world.walk.aborts.size() == 2; });
}

TEST(Session, TakesChunks) {
    World world;
    world.play(chunked);
    ASSERT_EQ(world.walk.messages.size(), 2U);
    EXPECT_EQ(world.walk.messages.at(0).bytes, "Subject: x\r\n\r\n");
    EXPECT_EQ(world.walk.messages.at(1).bytes.size(), 200'000U);
    using enum smtp::AbortReason;
    EXPECT_THAT(world.walk.aborts, ElementsAre(rset, closed));
    EXPECT_EQ(world.memory.used(), 0U);
}

Task<void> half_closed(World& world) {
    Talker client = co_await world.greeted();
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    const std::string codes = co_await client.codes(3);
    EXPECT_EQ(codes, "250 250 354");
    co_await client.say("x\r\n.\r\nNOOP\r\n");
    client.stream().socket().shutdown(net::Socket::shutdown_send);
    const std::string rest = co_await client.codes(2);
    EXPECT_EQ(rest, "250 250");
    const std::string end = co_await client.hear();
    EXPECT_EQ(end, "");
}

TEST(Session, AnswersAClientThatHasClosedItsSide) {
    World world;
    world.walk.thinks_for = std::chrono::milliseconds(100);
    world.play(half_closed);
    EXPECT_EQ(world.walk.messages.size(), 1U);
}

Task<void> early_talkers(World& world) {
    Talker client = co_await world.call();
    co_await client.say("EHLO client.test\r\n");
    const std::string greeting = co_await client.hear();
    EXPECT_THAT(greeting, StartsWith("554"));
    const std::string end = co_await client.hear();
    EXPECT_EQ(end, "");
}

TEST(Session, SeesClientsThatSpeakBeforeTheGreeting) {
    World world;
    world.settings.greeting_delay = std::chrono::seconds(20);
    world.play(early_talkers);
    EXPECT_TRUE(world.walk.connections.at(0).client.early_talker);
}

Task<void> noted_early_talker(World& world) {
    Talker client = co_await world.call();
    co_await client.say(
        "EHLO client.test\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nBDAT 3 LAST\r\nx\r\n");
    const std::string codes = co_await client.codes(5);
    EXPECT_EQ(codes, "220 250 250 250 250");
}

TEST(Session, MayOnlyNoteThem) {
    World world;
    world.settings.greeting_delay = std::chrono::seconds(20);
    world.settings.machine.early_commands = smtp::EarlyCommands::note;
    world.play(noted_early_talker);
    ASSERT_EQ(world.walk.messages.size(), 1U);
    EXPECT_TRUE(world.walk.messages.at(0).envelope.client.early_talker);
}

Task<void> a_thrower(World& world) {
    Talker other = co_await world.greeted();
    Talker client = co_await world.greeted();
    world.walk.throws_at_mail = true;
    const std::string mail = co_await client.ask("MAIL FROM:<a@sender.test>");
    EXPECT_THAT(mail, StartsWith("421 4.3.0"));
    world.walk.throws_at_mail = false;
    const std::string noop = co_await other.ask("NOOP");
    EXPECT_THAT(noop, StartsWith("250"));
}

TEST(Session, AFailureEndsThatSessionAlone) {
    World world;
    world.play(a_thrower);
    EXPECT_EQ(world.counters.failures, 1U);
    EXPECT_EQ(world.walk.aborts.size(), 1U);
}

Task<void> a_late_thrower(World& world) {
    Talker client = co_await world.greeted();
    world.walk.throws_at_message = true;
    co_await client.say("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@gw.test>\r\nDATA\r\n");
    const std::string codes = co_await client.codes(3);
    EXPECT_EQ(codes, "250 250 354");
    const std::string receipt = co_await client.ask("x\r\n.");
    EXPECT_THAT(receipt, StartsWith("421 4.3.0"));
    const std::string end = co_await client.hear();
    EXPECT_EQ(end, "");
}

TEST(Session, AMessageThatTheWalkFailedOnStaysWithItsClient) {
    World world;
    world.play(a_late_thrower);
    EXPECT_EQ(world.counters.failures, 1U);
    EXPECT_THAT(world.walk.aborts, ElementsAre(smtp::AbortReason::closed));
    EXPECT_EQ(world.memory.used(), 0U);
}

Task<void> refused_again_and_again(World& world) {
    Talker client = co_await world.greeted();
    for (const char* command :
         {"MAIL FROM:<a@bad domain>", "MAIL FROM:<b@bad domain>", "MAIL FROM:<c@good.test>",
          "RCPT TO:<x@elsewhere.test>", "RCPT TO:<y@elsewhere.test>", "RSET", "MAIL FROM:<d@bad domain>"}) {
        co_await client.ask(command);
    }
}

// Those of a transaction are told apart by recipient.
TEST(Session, GivesEachRefusalOutsideATransactionAReferenceOfItsOwn) {
    World world;
    world.play(refused_again_and_again);
    EXPECT_EQ(world.walk.refusals.size(), 5U);
    const auto& references = world.walk.refusal_references;
    ASSERT_EQ(references.size(), 5U);
    EXPECT_EQ(references[2], references[3]);  // of one transaction
    EXPECT_EQ(std::set(references.begin(), references.end()).size(), 4U);
}

Task<void> garbage(World& world) {
    std::string bytes;
    for (unsigned i = 0; i < 300'000; ++i) bytes += static_cast<char>(i * 7919 % 256);
    Talker client = co_await world.call();
    co_await client.hear();
    co_await client.say(bytes);
    std::string last;
    while (true) {
        const std::string reply = co_await client.hear();
        if (reply.empty()) break;
        last = reply;
    }
    EXPECT_THAT(last, StartsWith("421"));
}

TEST(Session, EndsGarbageWithAReplyThatArrives) {
    World world;
    world.play(garbage);
}

}  // namespace
}  // namespace gatehouse::receive::session
