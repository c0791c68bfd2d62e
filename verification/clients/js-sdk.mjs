// AWS Batch, its logs, and S3, DynamoDB and SQS around it, by the AWS SDK for JavaScript.
import { isDeepStrictEqual } from "node:util";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import * as batch from "@aws-sdk/client-batch";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

function expect(what, found, wanted) {
  if (isDeepStrictEqual(found, wanted)) return;
  console.error(`failed: ${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  process.exit(1);
}

const jobs = new batch.BatchClient({ customUserAgent: "a client/1.0" });

async function makeQueue() {
  await jobs.send(new batch.CreateComputeEnvironmentCommand({
    computeEnvironmentName: "e", type: "MANAGED",
    computeResources: { type: "EC2", maxvCpus: 2, subnets: ["none"] },
  }));
  await jobs.send(new batch.CreateJobQueueCommand({
    jobQueueName: "q", priority: 1,
    computeEnvironmentOrder: [{ order: 1, computeEnvironment: "e" }],
  }));
  const definition = JSON.parse(readFileSync(new URL("job.json", import.meta.url)));
  await jobs.send(new batch.RegisterJobDefinitionCommand(definition));
}

const submit = (jobName, more) => jobs.send(new batch.SubmitJobCommand(
  { jobName, jobQueue: "q", jobDefinition: "square", ...more }));

async function job(jobId) {
  const found = await jobs.send(new batch.DescribeJobsCommand({ jobs: [jobId] }));
  return found.jobs[0];
}

async function ended(jobId) {
  for (;;) {
    const found = await job(jobId);
    if (["SUCCEEDED", "FAILED"].includes(found.status)) return found;
    await sleep(300);
  }
}

async function counted(arrayJobId, jobStatus) {
  let count = 0;
  const pages = batch.paginateListJobs({ client: jobs, pageSize: 7 }, { arrayJobId, jobStatus });
  for await (const page of pages) count += page.jobSummaryList.length;
  return count;
}

async function logOf(found) {
  const answer = await new logs.CloudWatchLogsClient().send(new logs.GetLogEventsCommand({
    logGroupName: "/aws/batch/job", logStreamName: found.container.logStreamName,
    startFromHead: true,
  }));
  return answer.events.map((event) => event.message);
}

const exitCodes = (found) => found.attempts.map((attempt) => attempt.container.exitCode);

async function runJobs() {
  await makeQueue();
  const plain = await ended((await submit("plain", { parameters: { number: "9" } })).jobId);
  expect("the status of the plain job", plain.status, "SUCCEEDED");
  expect("its log", await logOf(plain), ["attempt 1", "9 squared is 81"]);

  const array = await ended((await submit("array", { arrayProperties: { size: 20 } })).jobId);
  expect("the status of the array", array.status, "FAILED");
  const counts = [await counted(array.jobId, "SUCCEEDED"), await counted(array.jobId, "FAILED")];
  expect("the children SUCCEEDED and FAILED", counts, [19, 1]);
  const [retried, failed] = [await job(`${array.jobId}:3`), await job(`${array.jobId}:7`)];
  expect("the exit codes of children 3 and 7", [retried, failed].map(exitCodes), [[75, 0], [2]]);
  expect("the log of child 3", await logOf(retried), ["attempt 2", "3 squared is 9"]);
}

async function storeFiles() {
  const client = new s3.S3Client();
  const [Bucket, Key] = ["files", "a folder/ü+1 (2).txt"];
  const get = async (key) => (await client.send(new s3.GetObjectCommand({ Bucket, Key: key }))).Body;
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  const Metadata = { word: "one  two" };
  await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "whole", Metadata }));
  expect("the object", await (await get(Key)).transformToString(), "whole");
  // a stream has no hash beforehand: it goes in chunks, with its checksum as a trailer
  const Body = Readable.from([Buffer.from("in "), Buffer.from("parts")]);
  await client.send(new s3.PutObjectCommand({ Bucket, Key: "stream", Body, ContentLength: 8 }));
  expect("the streamed object", await (await get("stream")).transformToString(), "in parts");
  const listed = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: "a folder/" }));
  expect("the list", listed.Contents.map((object) => [object.Key, object.Size]), [[Key, 5]]);

  const readable = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
  expect("the body of a presigned URL", await (await fetch(readable)).text(), "whole");
  const writable = await getSignedUrl(client, new s3.PutObjectCommand({ Bucket, Key: "put" }));
  expect("a presigned PUT", (await fetch(writable, { method: "PUT", body: "x" })).status, 200);
  const forged = await fetch(readable.replace("Expires=60", "Expires=600"));
  expect("a presigned URL that was changed", forged.status, 403);
}

async function keepItems() {
  const client = new dynamodb.DynamoDBClient();
  const TableName = "words";
  await client.send(new dynamodb.CreateTableCommand({
    TableName, BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "word", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "word", KeyType: "HASH" }],
  }));
  const Item = { word: { S: "über" }, count: { N: "3" } };
  await client.send(new dynamodb.PutItemCommand({ TableName, Item }));
  const found = await client.send(new dynamodb.GetItemCommand({ TableName, Key: { word: Item.word } }));
  expect("the item", found.Item, Item);
}

async function sendMessages() {
  const client = new sqs.SQSClient();
  const { QueueUrl } = await client.send(new sqs.CreateQueueCommand({ QueueName: "words" }));
  await client.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody: "über" }));
  const received = await client.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2 }));
  expect("the messages", received.Messages.map((message) => message.Body), ["über"]);
}

await runJobs();
await storeFiles();
await keepItems();
await sendMessages();
