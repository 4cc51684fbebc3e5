export interface Line {
  name: string;
  price?: { cents: number };
}

export class Cart {
  readonly lines: Line[] = [];

  add(line: Line): void {
    this.lines.push(line);
  }

  total(): number {
    return this.lines.reduce((sum, line) => sum + priceOf(line), 0);
  }
}

export function priceOf(line: Line): number {
  return line.price!.cents; // a line without a price breaks here
}
